# package.cmake: manual pages and completions out of the programs' own tables, where all of it is installed, and
# two Debian packages: fsmd (daemon, fsm-cli, unit) and fsmd-dev (library, headers). `cpack -G DEB` in a build.

# ---- what the programs say of themselves ---------------------------------------------------------------
set(doc ${PROJECT_BINARY_DIR}/doc)
file(MAKE_DIRECTORY ${doc})
function(fsm_doc file program)
  add_custom_command(OUTPUT ${doc}/${file} COMMAND ${program} ${ARGN} > ${doc}/${file} DEPENDS ${program} VERBATIM)
  set_property(GLOBAL APPEND PROPERTY FSM_DOCS ${doc}/${file})
endfunction()
fsm_doc(fsmd.8 fsmd --print-doc fsmd.8)
fsm_doc(fsmd.conf.5 fsmd --print-doc fsmd.conf.5)
fsm_doc(fsm-cli.1 fsm-cli help man)
foreach(shell bash zsh fish)
  fsm_doc(fsmd.${shell} fsmd --print-doc ${shell})
  fsm_doc(fsm-cli.${shell} fsm-cli help ${shell})
endforeach()
get_property(docs GLOBAL PROPERTY FSM_DOCS)
add_custom_target(docs ALL DEPENDS ${docs})

# OPTIONAL: not every build has built them.
set(CMAKE_INSTALL_DEFAULT_COMPONENT_NAME fsmd)
install(FILES ${doc}/fsmd.8 DESTINATION ${CMAKE_INSTALL_MANDIR}/man8 OPTIONAL)
install(FILES ${doc}/fsmd.conf.5 DESTINATION ${CMAKE_INSTALL_MANDIR}/man5 OPTIONAL)
install(FILES ${doc}/fsm-cli.1 DESTINATION ${CMAKE_INSTALL_MANDIR}/man1 OPTIONAL)
foreach(program fsmd fsm-cli)
  install(FILES ${doc}/${program}.bash RENAME ${program} OPTIONAL
          DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions)
  install(FILES ${doc}/${program}.zsh RENAME _${program} OPTIONAL
          DESTINATION ${CMAKE_INSTALL_DATADIR}/zsh/vendor-completions)
  install(FILES ${doc}/${program}.fish OPTIONAL
          DESTINATION ${CMAKE_INSTALL_DATADIR}/fish/vendor_completions.d)
endforeach()

# ---- the packages -------------------------------------------------------------------------------------
set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME fsmd)
set(CPACK_PACKAGE_VERSION ${PROJECT_VERSION})
set(CPACK_PACKAGE_CONTACT "the maintainers of fsmd <fsmd@localhost.localdomain>")
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_STRIP_FILES ON)
set(CPACK_COMPONENTS_ALL fsmd dev)
set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SECTION database)
set(CPACK_DEBIAN_FSMD_PACKAGE_NAME fsmd)
set(CPACK_DEBIAN_FSMD_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_FSMD_PACKAGE_DEPENDS "systemd | systemd-standalone-sysusers, systemd | systemd-standalone-tmpfiles")
set(CPACK_COMPONENT_FSMD_DESCRIPTION "The daemon fsmd, its unit, and fsm-cli for the person on call. Process definitions
(JSON or SCXML) run as instances that survive a loss of power; every change is one
record of a log that can be verified.")
set(CPACK_DEBIAN_FSMD_PACKAGE_CONTROL_EXTRA ${PROJECT_SOURCE_DIR}/tools/package/postinst
    ${PROJECT_SOURCE_DIR}/tools/package/prerm ${PROJECT_SOURCE_DIR}/tools/package/postrm
    ${PROJECT_SOURCE_DIR}/tools/package/conffiles)
set(CPACK_DEBIAN_FSMD_PACKAGE_CONTROL_STRICT_PERMISSION ON)
set(CPACK_DEBIAN_DEV_PACKAGE_NAME fsmd-dev)
set(CPACK_DEBIAN_DEV_PACKAGE_SECTION libdevel)
set(CPACK_DEBIAN_DEV_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_DEV_PACKAGE_DEPENDS "libjansson-dev, libexpat1-dev, libmsgpack-dev, liblmdb-dev, libssl-dev, libnats-dev, libjwt-dev, libcurl4-openssl-dev")
set(CPACK_COMPONENT_DEV_DESCRIPTION "The library libfsm, static and shared, its headers and fsm.pc, for programs that embed it.")
# What lies outside of the prefix, or wants to be packed: only in a package.
set(CPACK_PRE_BUILD_SCRIPTS ${PROJECT_SOURCE_DIR}/tools/package/stage.cmake)
set(CPACK_FSM_PACKAGE_DIR ${PROJECT_SOURCE_DIR}/tools/package)
set(CPACK_FSM_LICENSE ${PROJECT_SOURCE_DIR}/LICENSE)
include(CPack)
