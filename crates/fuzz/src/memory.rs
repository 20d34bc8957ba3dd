//! An allocator that counts, so that a test can say how much a call may hold.

#![expect(unsafe_code, reason = "an allocator cannot be written without")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

thread_local! {
    static HELD: Cell<isize> = const { Cell::new(0) };
    static PEAK: Cell<isize> = const { Cell::new(0) };
}

/// The system's allocator, counted for each thread. To be a program's `#[global_allocator]`.
#[derive(Debug, Clone, Copy)]
pub struct Counting;

/// What `work` gives, and the most bytes that this thread held at a time meanwhile beyond those
/// that it held before.
pub fn peak<T>(work: impl FnOnce() -> T) -> (T, usize) {
    let before = HELD.get();
    PEAK.set(before);
    let done = work();
    (done, usize::try_from(PEAK.get() - before).unwrap_or(0))
}

fn change(bytes: isize) {
    // A thread that is ending has no counters any more, and nothing that is measured.
    let held = HELD.try_with(|held| {
        held.set(held.get() + bytes);
        held.get()
    });
    if let Ok(held) = held {
        PEAK.try_with(|peak| peak.set(peak.get().max(held))).ok();
    }
}

// SAFETY: every call is handed to the system's allocator as it came; counting does not allocate,
// because the counters are constants at first and need no destructor.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        change(layout.size().cast_signed());
        // SAFETY: the caller's promises are handed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        change(-layout.size().cast_signed());
        // SAFETY: the caller's promises are handed on.
        unsafe { System.dealloc(at, layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        change(layout.size().cast_signed());
        // SAFETY: the caller's promises are handed on.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, at: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        change(new_size.cast_signed() - layout.size().cast_signed());
        // SAFETY: the caller's promises are handed on.
        unsafe { System.realloc(at, layout, new_size) }
    }
}
