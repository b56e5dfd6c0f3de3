#!/bin/bash
# linux_traffic behind an IOMMU that the kernel uses strictly: each packet's memory is the card's for no longer than it takes.
export test_name=linux_iommu iommu=on append="iommu.strict=1 iommu.passthrough=0" megabytes=20
exec "$(dirname "$0")/linux_traffic.sh"
