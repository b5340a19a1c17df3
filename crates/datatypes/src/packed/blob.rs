//! Bytes that live in an allocation of their own, behind a pointer without a length.
//!
//! ```text
//!   bytes   2        8 if the first two are all ones   n
//!          │ length │ length                          │ bytes │
//! ```

use std::alloc::{Layout, alloc, dealloc, handle_alloc_error};
use std::ptr::NonNull;
use std::slice;

use crate::class::class;

const SHORT_BYTES: usize = 2;
const LONG_BYTES: usize = SHORT_BYTES + 8;

/// The length that says that the true one follows.
const LONG: u16 = u16::MAX;

/// Bytes that are owned by whoever keeps the address.
#[derive(Clone, Copy)]
pub(super) struct Blob(NonNull<u8>);

impl Blob {
    pub const ADDRESS_BYTES: usize = size_of::<usize>();

    pub fn new(bytes: &[u8]) -> Blob {
        let layout = layout(bytes.len());
        let head = head_bytes(bytes.len());
        // SAFETY: the size is not zero, and holds head and bytes.
        unsafe {
            let memory = alloc(layout);
            let memory = NonNull::new(memory).unwrap_or_else(|| handle_alloc_error(layout));
            let short = match head {
                SHORT_BYTES => bytes.len() as u16,
                _ => LONG,
            };
            memory.cast().write(short.to_le_bytes());
            if head == LONG_BYTES {
                let long = (bytes.len() as u64).to_le_bytes();
                memory.add(SHORT_BYTES).cast().write(long);
            }
            let source = NonNull::from(bytes).cast();
            memory
                .add(head)
                .copy_from_nonoverlapping(source, bytes.len());
            Blob(memory)
        }
    }

    pub fn address(self) -> [u8; Blob::ADDRESS_BYTES] {
        self.0.expose_provenance().get().to_le_bytes()
    }

    /// # Safety
    /// `address` is one's that was not freed.
    pub unsafe fn at(address: [u8; Blob::ADDRESS_BYTES]) -> Blob {
        let address = std::ptr::with_exposed_provenance_mut(usize::from_le_bytes(address));
        // SAFETY: the caller's promise; no blob is at null.
        Blob(unsafe { NonNull::new_unchecked(address) })
    }

    /// # Safety
    /// The blob is not freed as long as the result is used.
    pub unsafe fn bytes<'a>(self) -> &'a [u8] {
        let len = self.len();
        // SAFETY: so many bytes were written behind the head.
        unsafe { slice::from_raw_parts(self.0.add(head_bytes(len)).as_ptr(), len) }
    }

    /// Bytes of the allocation.
    pub fn memory(self) -> usize {
        layout(self.len()).size()
    }

    /// # Safety
    /// Nobody uses the blob any more.
    pub unsafe fn free(self) {
        // SAFETY: the blob was allocated with the layout of its length.
        unsafe { dealloc(self.0.as_ptr(), layout(self.len())) };
    }

    fn len(self) -> usize {
        // SAFETY: every blob begins with its length, in one of the two forms.
        unsafe {
            match u16::from_le_bytes(self.0.cast().read()) {
                LONG => u64::from_le_bytes(self.0.add(SHORT_BYTES).cast().read()) as usize,
                short => usize::from(short),
            }
        }
    }
}

fn head_bytes(len: usize) -> usize {
    if len < usize::from(LONG) {
        SHORT_BYTES
    } else {
        LONG_BYTES
    }
}

fn layout(len: usize) -> Layout {
    let size = class(head_bytes(len) + len);
    Layout::from_size_align(size, 8).expect("bytes are shorter than the address space")
}
