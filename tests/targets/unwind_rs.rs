//! Calls in the ways that Rust has, for tests/tools/stops: panics in flight, trait objects, closures,
//! generics, sorting, formatting, threads. The functions that are never inlined record themselves as
//! unwind_shadow.h says.

use std::collections::HashMap;
use std::fmt::Write;
use std::hint::black_box;
use std::panic;
use std::ptr::{addr_of_mut, null_mut};
use std::sync::atomic::{compiler_fence, Ordering};
use std::thread;

#[repr(C)]
#[derive(Clone, Copy)]
pub struct Entry {
    name: *const u8,
    caller: *mut Entry,
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct Shadow {
    tid: i32,
    blind: i32,
    innermost: *mut Entry,
}

const THREADS: usize = 64;

#[no_mangle]
pub static mut shadow_threads: [Shadow; THREADS] =
    [Shadow { tid: 0, blind: 0, innermost: null_mut() }; THREADS];

/// Removes an entry when its function is left, by a panic too. Only the first thread records.
struct Guard(*mut Entry);

impl Drop for Guard {
    #[inline(always)]
    fn drop(&mut self) {
        unsafe {
            let first = addr_of_mut!(shadow_threads) as *mut Shadow;
            addr_of_mut!((*first).innermost).write_volatile((*self.0).caller);
        }
        compiler_fence(Ordering::SeqCst);
    }
}

macro_rules! shadow {
    ($name:expr) => {
        let first = addr_of_mut!(shadow_threads) as *mut Shadow;
        #[allow(unused_unsafe)]
        let mut entry = Entry { name: concat!($name, "\0").as_ptr(), caller: unsafe { (*first).innermost } };
        black_box(&mut entry);
        compiler_fence(Ordering::SeqCst);
        #[allow(unused_unsafe)]
        unsafe {
            addr_of_mut!((*first).innermost).write_volatile(addr_of_mut!(entry));
        }
        let _guard = Guard(addr_of_mut!(entry));
    };
}

fn work(mut value: u64) -> u64 {
    for i in 0..20 {
        value = black_box(value.wrapping_mul(31).wrapping_add(i));
    }
    value
}

#[inline(never)]
fn sh_leaf_(value: u64) -> u64 {
    shadow!("sh_leaf_");
    work(value)
}

trait Shape {
    fn sh_area_(&self, scale: u64) -> u64;
}

struct Square(u64);
struct Circle(u64);

impl Shape for Square {
    #[inline(never)]
    fn sh_area_(&self, scale: u64) -> u64 {
        shadow!("sh_area_");
        sh_leaf_(self.0 * scale)
    }
}

impl Shape for Circle {
    #[inline(never)]
    fn sh_area_(&self, scale: u64) -> u64 {
        shadow!("sh_area_");
        sh_leaf_(self.0 + scale)
    }
}

#[inline(never)]
fn sh_deep_(depth: u64) -> u64 {
    shadow!("sh_deep_");
    if depth == 0 {
        return sh_leaf_(depth);
    }
    black_box(sh_deep_(depth - 1)) + 1
}

#[inline(never)]
fn sh_panics_(depth: u64) -> u64 {
    shadow!("sh_panics_");
    let text = black_box(format!("depth {depth}"));
    if depth == 0 {
        panic!("{text}");
    }
    black_box(sh_panics_(depth - 1)) + text.len() as u64
}

// Functions with closures record nothing: their names are part of the closures'.
#[inline(never)]
fn catch_panics() -> u64 {
    let mut caught = 0;
    for depth in 0..6 {
        if panic::catch_unwind(|| sh_panics_(depth)).is_err() {
            caught += sh_leaf_(depth);
        }
    }
    caught
}

#[inline(never)]
fn sh_scene_panics_() -> u64 {
    shadow!("sh_scene_panics_");
    black_box(catch_panics()) + 1
}

#[inline(never)]
fn call_in_many_ways() -> u64 {
    let shapes: Vec<Box<dyn Shape>> = vec![Box::new(Square(3)), Box::new(Circle(4))];
    let mut numbers: Vec<u64> = (0..200).map(|i| i * 7919 % 251).collect();
    let mut counts: HashMap<u64, String> = HashMap::new();
    numbers.sort_by_key(|value| sh_leaf_(*value));
    for value in &numbers {
        let _ = write!(counts.entry(value % 17).or_default(), "{value:5}");
    }
    shapes.iter().map(|shape| shape.sh_area_(5)).sum::<u64>()
        + sh_deep_(60)
        + counts.values().map(|text| text.len() as u64).sum::<u64>()
}

#[inline(never)]
fn sh_scene_calls_() -> u64 {
    shadow!("sh_scene_calls_");
    black_box(call_in_many_ways()) + 1
}

#[inline(never)]
fn scene_threads() -> u64 {
    let threads: Vec<_> =
        (0..3).map(|i| thread::spawn(move || (0..300).map(|k| work(i + k)).sum::<u64>() & 1)).collect();
    threads.into_iter().map(|thread| thread.join().unwrap_or(0)).sum()
}

#[inline(never)]
fn sh_play_() {
    shadow!("sh_play_");
    black_box(sh_scene_panics_() + sh_scene_calls_() + scene_threads());
}

fn main() {
    panic::set_hook(Box::new(|_| ()));
    unsafe {
        let first = addr_of_mut!(shadow_threads) as *mut Shadow;
        (*first).tid = std::process::id() as i32;
    }
    loop {
        sh_play_();
    }
}
