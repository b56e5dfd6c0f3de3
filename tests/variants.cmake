# Read by ctest: the tests of the builds $IXY_BUILD/NAME that $IXY_VARIANTS names join those of $IXY_BUILD.
string(REPLACE " " ";" variants "$ENV{IXY_VARIANTS}")
foreach(variant IN LISTS variants)
	subdirs("$ENV{IXY_BUILD}/${variant}")
endforeach()
