# `make loc`: count ixy-fwd-small, the forwarder with everything that it needs to drive an 82599 through VFIO and nothing else.
# Its sources and flags come from the target itself; it may not link a library of this project, whose code would go uncounted.

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
