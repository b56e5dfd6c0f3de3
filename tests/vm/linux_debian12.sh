#!/bin/bash
# linux_traffic with the kernel of Debian 12: an older driver, and an older network stack.
export test_name=linux_debian12 debian=12 megabytes=5
exec "$(dirname "$0")/linux_traffic.sh"
