/* SPDX-License-Identifier: BSD-2-Clause */
/* In place of src/full/vfio_features.h: kernel VFIO alone, one IOMMU, BARs that can be mapped whole. */
#define vfio_backend_for(name)	     (&vfio_kernel)
#define vfio_kernel_name(dev, pci)   (pci)
#define vfio_explain(pci, what, err) ixy_fail(err, "%s: %s: %s", pci, what, strerror(err))
#define vfio_map_bar(size, fd, at)   mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, at)
#define vfio_map_areas(bar, info, fd)
#define vfio_irq_release(dev)
#define dma_join(dev)		  ((dev)->space->users++, 0)
#define dma_leave(dev)		  (dev)->space->users--
#define dma_reaches(map)	  ((map)->mem.iova + (map)->mem.size <= 0xfee00000) /* nearly all IOMMUs */
#define dma_is_physical()	  false
#define dma_get_physical(size)	  NULL
#define dma_may_try(size, page)	  true
#define dma_has_pages(m, page)	  ((page) < HUGE_PAGE || !fallocate((m)->fd, 0, 0, (m)->mem.size))
#define dma_why()		  strerror(errno)
#define dma_tell_spaces(map, add) vfio_kernel.dma(NULL, map, add)
