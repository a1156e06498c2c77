// ledger_rs: ledger_c for Rust, with the same options and report (ledger.h). Sizes are those that
// the standard library's allocator passes on, so only collections whose capacity is asked for or
// known exactly are used.

use std::alloc::{alloc, dealloc, realloc, Layout};
use std::arch::asm;
use std::collections::HashMap;
use std::io::Write;
use std::mem;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Barrier, Mutex};

struct Book {
    function: &'static str,
    live_bytes: AtomicU64,
    live_objects: AtomicU64,
    alloc_bytes: AtomicU64,
    alloc_objects: AtomicU64,
}

impl Book {
    const fn new(function: &'static str) -> Book {
        Book {
            function,
            live_bytes: AtomicU64::new(0),
            live_objects: AtomicU64::new(0),
            alloc_bytes: AtomicU64::new(0),
            alloc_objects: AtomicU64::new(0),
        }
    }

    fn alloc(&self, size: usize) {
        self.live_bytes.fetch_add(size as u64, Relaxed);
        self.live_objects.fetch_add(1, Relaxed);
        self.alloc_bytes.fetch_add(size as u64, Relaxed);
        self.alloc_objects.fetch_add(1, Relaxed);
    }

    fn free(&self, size: usize) {
        self.live_bytes.fetch_sub(size as u64, Relaxed);
        self.live_objects.fetch_sub(1, Relaxed);
    }
}

static VEC: Book = Book::new("site_vec");
static VEC_ZEROED: Book = Book::new("site_vec_zeroed");
static VEC_GROWTH: Book = Book::new("site_vec_growth");
static BOXED: Book = Book::new("site_boxed");
static BOXED_ALIGNED: Book = Book::new("site_boxed_aligned");
static STRING: Book = Book::new("site_string");
static HASH_MAP: Book = Book::new("site_hash_map");
static CHURN: Book = Book::new("site_churn");
static CROSS_EVEN: Book = Book::new("site_cross_even");
static CROSS_ODD: Book = Book::new("site_cross_odd");
static CROSS_REALLOC: Book = Book::new("site_cross_realloc");

static BOOKS: [&Book; 11] = [
    &VEC,
    &VEC_ZEROED,
    &VEC_GROWTH,
    &BOXED,
    &BOXED_ALIGNED,
    &STRING,
    &HASH_MAP,
    &CHURN,
    &CROSS_EVEN,
    &CROSS_ODD,
    &CROSS_REALLOC,
];

/// The compiler must assume that the memory is used.
fn used<T>(pointer: *const T) {
    // SAFETY: no instruction at all.
    unsafe { asm!("/* {0} */", in(reg) pointer) };
}

#[inline(never)]
fn site_vec(size: usize) {
    let vec = Vec::<u8>::with_capacity(size);
    used(vec.as_ptr());
    VEC.alloc(size);
    mem::forget(vec);
}

#[inline(never)]
fn site_vec_zeroed(count: usize) {
    let vec = vec![0u64; count];
    used(vec.as_ptr());
    VEC_ZEROED.alloc(count * 8);
    mem::forget(vec);
}

/// Every reserve but the first is a realloc.
#[inline(never)]
fn site_vec_growth(count: usize) {
    let mut vec = Vec::<u32>::new();
    for turn in 0..5 {
        let before = vec.capacity() * 4;
        vec.reserve_exact(count << turn);
        used(vec.as_ptr());
        if before > 0 {
            VEC_GROWTH.free(before);
        }
        VEC_GROWTH.alloc((count << turn) * 4);
    }
    mem::forget(vec);
}

#[inline(never)]
fn site_boxed() {
    let boxed = Box::new([1u64; 30]);
    used(boxed.as_ptr());
    BOXED.alloc(30 * 8);
    mem::forget(boxed);
}

#[repr(align(128))]
struct Aligned([u8; 256]);

/// An alignment that malloc does not promise: posix_memalign.
#[inline(never)]
fn site_boxed_aligned() {
    let boxed = Box::new(Aligned([1; 256]));
    used(boxed.0.as_ptr());
    BOXED_ALIGNED.alloc(256);
    mem::forget(boxed);
}

#[inline(never)]
fn site_string(size: usize) {
    let string = String::with_capacity(size);
    used(string.as_ptr());
    STRING.alloc(size);
    mem::forget(string);
}

/// A table of 2^n buckets is one block: the entries, a control byte for each bucket and 16 more. It
/// is made for 1000 entries and made anew, in one step, for 6000.
#[inline(never)]
fn site_hash_map() {
    fn table_size(buckets: usize) -> usize {
        buckets * mem::size_of::<(u64, u64)>() + buckets + 16
    }
    let mut map = HashMap::<u64, u64>::with_capacity(1000);
    used(&map);
    HASH_MAP.alloc(table_size(2048));
    map.reserve(6000);
    used(&map);
    HASH_MAP.free(table_size(2048));
    HASH_MAP.alloc(table_size(8192));
    mem::forget(map);
}

#[inline(never)]
fn site_churn(size: usize) {
    let vec = Vec::<u8>::with_capacity(size);
    used(vec.as_ptr());
    CHURN.alloc(size);
    drop(vec);
    CHURN.free(size);
}

/// A block and whose it is.
struct Block {
    pointer: *mut u8,
    size: usize,
    owner: &'static Book,
}

// SAFETY: a block is the only owner of its memory.
unsafe impl Send for Block {}

fn layout(size: usize) -> Layout {
    Layout::from_size_align(size, 1).expect("a layout")
}

#[inline(never)]
fn site_cross_even(size: usize) -> Block {
    // SAFETY: the size is not zero.
    let pointer = unsafe { alloc(layout(size)) };
    used(pointer);
    CROSS_EVEN.alloc(size);
    Block { pointer, size, owner: &CROSS_EVEN }
}

#[inline(never)]
fn site_cross_odd(size: usize) -> Block {
    let mut vec = Vec::<u8>::with_capacity(size);
    let pointer = vec.as_mut_ptr();
    used(pointer);
    mem::forget(vec);
    CROSS_ODD.alloc(size);
    Block { pointer, size, owner: &CROSS_ODD }
}

#[inline(never)]
fn site_cross_realloc(block: Block, size: usize) -> Block {
    // SAFETY: the block's own pointer and layout.
    let pointer = unsafe { realloc(block.pointer, layout(block.size), size) };
    used(pointer);
    block.owner.free(block.size);
    CROSS_REALLOC.alloc(size);
    Block { pointer, size, owner: &CROSS_REALLOC }
}

#[inline(never)]
fn drop_block(block: Block) {
    // SAFETY: the block's own pointer and layout.
    unsafe { dealloc(block.pointer, layout(block.size)) };
    block.owner.free(block.size);
}

/// xorshift: the same sequence at each run.
struct Random(u32);

impl Random {
    fn next(&mut self) -> u32 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 17;
        self.0 ^= self.0 << 5;
        self.0
    }

    fn size(&mut self) -> usize {
        let value = self.next();
        let most = if value % 8 == 0 { 4096 } else { 256 };
        match value % 1024 {
            0 => 140000 + (value % 100003) as usize,
            _ => 1 + ((value >> 8) % most) as usize,
        }
    }
}

type Slots = Mutex<Vec<Option<Block>>>;

/// The lock covers the slot and never the allocator's call.
fn cross_thread(number: u32, rounds: usize, slots: &Slots, start: &Barrier) {
    let mut random = Random(2463534242u32.wrapping_add(number * 7919));
    // All begin together, or the first is done before the last is made.
    start.wait();
    for round in 0..rounds {
        let slot = (random.next() % 512) as usize;
        let taken = slots.lock().expect("the slots")[slot].take();
        let size = random.size();
        let block = match taken {
            None if number % 2 == 0 => Some(site_cross_even(size)),
            None => Some(site_cross_odd(size)),
            Some(block) => match random.next() % 8 {
                0..=3 => {
                    drop_block(block);
                    None
                }
                4..=5 => Some(site_cross_realloc(block, size)),
                _ => Some(block),
            },
        };
        if let Some(block) = block {
            let before = slots.lock().expect("the slots")[slot].replace(block);
            if let Some(before) = before {
                drop_block(before);
            }
        }
        if round % 4 == 0 {
            site_churn(1 + round % 500);
        }
    }
}

fn keep() {
    for i in 0..50 {
        site_vec(100 + i);
        site_vec_zeroed(10 + i);
        site_vec_growth(20 + i);
        site_boxed();
        site_boxed_aligned();
        site_string(200 + i);
        site_hash_map();
        site_churn(1 + 100 * i);
    }
    site_vec(3_000_000);
}

fn cross(threads: u32, rounds: usize) {
    let slots: Arc<Slots> = Arc::new(Mutex::new((0..512).map(|_| None).collect()));
    let start = Arc::new(Barrier::new(threads as usize));
    let handles: Vec<_> = (0..threads)
        .map(|number| {
            let slots = Arc::clone(&slots);
            let start = Arc::clone(&start);
            std::thread::spawn(move || cross_thread(number, rounds, &slots, &start))
        })
        .collect();
    for handle in handles {
        handle.join().expect("a thread");
    }
    mem::forget(slots);
}

mod wait {
    const SIGUSR1: i32 = 10;
    const SIG_BLOCK: i32 = 0;
    const POLLIN: i16 = 1;

    #[repr(C, align(8))]
    struct SignalSet([u8; 128]);

    #[repr(C)]
    struct PollFd {
        fd: i32,
        events: i16,
        revents: i16,
    }

    extern "C" {
        fn sigemptyset(set: *mut SignalSet) -> i32;
        fn sigaddset(set: *mut SignalSet, signal: i32) -> i32;
        fn sigprocmask(how: i32, set: *const SignalSet, old: *mut SignalSet) -> i32;
        fn signalfd(fd: i32, set: *const SignalSet, flags: i32) -> i32;
        fn poll(fds: *mut PollFd, count: u64, timeout: i32) -> i32;
        fn read(fd: i32, buffer: *mut u8, size: usize) -> isize;
    }

    /// Until SIGUSR1 or a line on standard input; an end of input is no line.
    pub fn wait() {
        let mut set = SignalSet([0; 128]);
        let mut line = [0u8; 64];
        // SAFETY: the structures are those of x86-64 Linux and outlive the calls.
        unsafe {
            sigemptyset(&mut set);
            sigaddset(&mut set, SIGUSR1);
            sigprocmask(SIG_BLOCK, &set, std::ptr::null_mut());
            let mut fds = [
                PollFd { fd: signalfd(-1, &set, 0), events: POLLIN, revents: 0 },
                PollFd { fd: 0, events: POLLIN, revents: 0 },
            ];
            loop {
                poll(fds.as_mut_ptr(), 2, -1);
                if fds[0].revents != 0 {
                    return;
                }
                if fds[1].revents != 0 {
                    if read(0, line.as_mut_ptr(), line.len()) > 0 {
                        return;
                    }
                    fds[1].fd = -1;
                }
            }
        }
    }
}

fn report(out: &mut dyn Write) -> std::io::Result<()> {
    for book in BOOKS {
        writeln!(
            out,
            "site {} {} {} {} {}",
            book.function,
            book.live_bytes.load(Relaxed),
            book.live_objects.load(Relaxed),
            book.alloc_bytes.load(Relaxed),
            book.alloc_objects.load(Relaxed)
        )?;
    }
    writeln!(out, "done")?;
    out.flush()
}

fn main() {
    let (mut threads, mut rounds, mut seconds) = (4, 20000, 30);
    let mut out: Box<dyn Write> = Box::new(std::io::stdout());
    let mut path = std::path::PathBuf::from("/");
    let mut must_wait = false;
    let mut arguments = std::env::args().skip(1);
    while let Some(name) = arguments.next() {
        if name == "--wait" {
            must_wait = true;
            continue;
        }
        let value = arguments.next().expect("a value");
        match name.as_str() {
            "--threads" => threads = value.parse().expect("a number"),
            "--rounds" => rounds = value.parse().expect("a number"),
            "--seconds" => seconds = value.parse().expect("a number"),
            "--out" => {
                path = value.into();
                out = Box::new(std::fs::File::create(&path).expect("the file"));
            }
            _ => std::process::exit(2),
        }
    }
    if must_wait {
        wait::wait();
    }
    keep();
    cross(threads, rounds);
    report(&mut out).expect("the report");
    let end = std::time::Instant::now() + std::time::Duration::from_secs(seconds);
    // Or until the report is taken away.
    while std::time::Instant::now() < end && path.exists() {
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
}
