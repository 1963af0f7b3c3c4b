//! [`Pages`]: memory in pages of two megabytes, where the system has them.
//!
//! What lies in more pages than the processor keeps the addresses of is looked up page by page, while the kernel waits.
//! Transformed weights of 9 to 17 MB, in pages of 4 KB and in huge ones, us on a Granite Rapids with AVX-512: 3x3, 256
//! channels @14, 838 and 732; 512 @7, 1390 and 1110; 518 to 338 channels @9, 1314 and 1010; weights of 2.4 and 4 MB, no
//! difference. To read an element of the next page early, for nothing but its address, was no faster: it waits, too.
//!
//! A system maps such memory anew each time, filled with zeros, so that it is for what lasts. (A scratch of one call is
//! mapped, too, if it is large: all gradients of 512 channels @7 take 4340 us so, and 4360 with that scratch on the heap.)

#[cfg(all(feature = "huge-pages", target_os = "linux"))]
mod mapped {
    use memmap2::{Advice, MmapMut};

    use crate::Element;

    pub(in super::super) struct Pages(MmapMut);

    impl Pages {
        /// Zeros, or `None` where there is no such memory.
        pub(in super::super) fn zeroed(bytes: usize) -> Option<Self> {
            let map = MmapMut::map_anon(bytes).ok()?;
            // If the system has no huge pages, small ones will do.
            let _ = map.advise(Advice::HugePage);
            Some(Self(map))
        }

        pub(in super::super) fn as_slice<E: Element>(&self) -> &[E] {
            bytemuck::cast_slice(&self.0)
        }

        pub(in super::super) fn as_mut_slice<E: Element>(&mut self) -> &mut [E] {
            bytemuck::cast_slice_mut(&mut self.0)
        }
    }
}

#[cfg(not(all(feature = "huge-pages", target_os = "linux")))]
mod mapped {
    use crate::Element;

    /// Nothing: there is no such memory.
    pub(in super::super) enum Pages {}

    impl Pages {
        pub(in super::super) fn zeroed(_bytes: usize) -> Option<Self> {
            None
        }

        pub(in super::super) fn as_slice<E: Element>(&self) -> &[E] {
            match *self {}
        }

        pub(in super::super) fn as_mut_slice<E: Element>(&mut self) -> &mut [E] {
            match *self {}
        }
    }
}

pub(super) use mapped::Pages;
