# `make loc`: count ixy-fwd-small, the forwarder with only what it needs to drive an 82599 through VFIO.
# Sources and flags are those of the target; it must not link libraries of this project, whose code would not be counted.

if(TARGET ixy-fwd-small)
	get_target_property(libraries ixy-fwd-small LINK_LIBRARIES)
	foreach(library IN LISTS libraries)
		if(TARGET ${library})
			message(FATAL_ERROR "ixy-fwd-small links ${library}: list its sources instead, so that they are counted")
		endif()
	endforeach()

	get_target_property(directory ixy-fwd-small SOURCE_DIR)
	add_custom_target(loc
		COMMAND ${PROJECT_SOURCE_DIR}/scripts/loc 1000 ${CMAKE_C_COMPILER}
			"-I$<JOIN:$<TARGET_PROPERTY:ixy-fwd-small,INCLUDE_DIRECTORIES>,;-I>"
			"$<$<BOOL:$<TARGET_PROPERTY:ixy-fwd-small,COMPILE_DEFINITIONS>>:-D$<JOIN:$<TARGET_PROPERTY:ixy-fwd-small,COMPILE_DEFINITIONS>,;-D>>"
			"$<TARGET_PROPERTY:ixy-fwd-small,SOURCES>"
		DEPENDS ixy-fwd-small
		WORKING_DIRECTORY ${directory}
		COMMAND_EXPAND_LISTS VERBATIM)
endif()
