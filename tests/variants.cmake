# Read by ctest: the tests of the builds that IXY_VARIANTS names, in build/NAME, join those of build/.
string(REPLACE " " ";" variants "$ENV{IXY_VARIANTS}")
foreach(variant IN LISTS variants)
	subdirs("${CMAKE_CURRENT_LIST_DIR}/../build/${variant}")
endforeach()
