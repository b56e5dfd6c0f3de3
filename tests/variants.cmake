# Read by ctest: adds the tests of the builds $IXY_BUILD/NAME, for each NAME in $IXY_VARIANTS, to those of $IXY_BUILD.
string(REPLACE " " ";" variants "$ENV{IXY_VARIANTS}")
foreach(variant IN LISTS variants)
	subdirs("$ENV{IXY_BUILD}/${variant}")
endforeach()
