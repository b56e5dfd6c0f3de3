#!/bin/bash
# linux_traffic behind an IOMMU that the kernel uses strictly, as it does all those that cache what is not mapped: each packet's memory is the card's for no longer than it takes.
export test_name=linux_iommu iommu=on megabytes=5
exec "$(dirname "$0")/linux_traffic.sh"
