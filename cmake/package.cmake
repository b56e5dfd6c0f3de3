# Files for pkg-config and find_package(ixy), which defines ixy::ixy and ixy::ixy-vfio. The installation is relocatable.

include(CMakePackageConfigHelpers)
install(EXPORT ixy NAMESPACE ixy:: FILE ixy-config.cmake DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/ixy)
write_basic_package_version_file(ixy-config-version.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/ixy-config-version.cmake DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/ixy)

# The prefix is relative to the .pc file, as `cmake --install --prefix` may change it. That is impossible with an absolute
# directory for libraries.
if(IS_ABSOLUTE ${CMAKE_INSTALL_LIBDIR})
	string(REPLACE " " "\\ " prefix ${CMAKE_INSTALL_PREFIX})
else()
	file(RELATIVE_PATH up /prefix/${CMAKE_INSTALL_LIBDIR}/pkgconfig /prefix)
	set(prefix \${pcfiledir}/${up})
endif()
foreach(folder LIBDIR INCLUDEDIR)
	if(IS_ABSOLUTE ${CMAKE_INSTALL_${folder}})
		string(REPLACE " " "\\ " ${folder} ${CMAKE_INSTALL_${folder}})
	else()
		set(${folder} \${prefix}/${CMAKE_INSTALL_${folder}})
	endif()
endforeach()
function(install_pkg_config name description requires)
	configure_file(${PROJECT_SOURCE_DIR}/cmake/ixy.pc.in ${name}.pc @ONLY)
	install(FILES ${CMAKE_CURRENT_BINARY_DIR}/${name}.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
endfunction()
install_pkg_config(ixy-vfio "drive PCI devices from userspace" "")
install_pkg_config(ixy "userspace drivers for network cards" ixy-vfio)
