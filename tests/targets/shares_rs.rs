// shares_rs SECONDS [THREADS]: shares_c in Rust, with the functions in the module `shares`. The
// chunk of arithmetic is a macro, so that it is each function's own code, and the factors differ,
// so that the compiler cannot merge the functions. It is made of plain operators: iterators and
// wrapping_mul() would be inlined functions of their own in a profile. Without overflow checks, as
// it has to be compiled, the operators wrap.

mod shares {
    use std::arch::asm;

    const CHUNK_STEPS: u32 = 50_000;
    const SEED: u32 = 2463534242;
    const CLOCK_MONOTONIC: i32 = 1;
    const CLOCK_THREAD_CPUTIME_ID: i32 = 3;

    #[repr(C)]
    struct Timespec {
        seconds: i64,
        nanoseconds: i64,
    }

    extern "C" {
        fn clock_gettime(clock: i32, time: *mut Timespec) -> i32;
    }

    fn clock_ns(clock: i32) -> u64 {
        let mut time = Timespec { seconds: 0, nanoseconds: 0 };
        // SAFETY: `time` is a struct timespec of this machine, x86-64 Linux.
        unsafe { clock_gettime(clock, &mut time) };
        time.seconds as u64 * 1_000_000_000 + time.nanoseconds as u64
    }

    pub fn monotonic_ns() -> u64 {
        clock_ns(CLOCK_MONOTONIC)
    }

    #[derive(Default)]
    pub struct Account {
        pub used_ns: u64,
        pub budget_ns: u64,
    }

    pub struct State {
        pub end_ns: u64,
        random: u32,
        pub sixty: Account,
        pub thirty: Account,
        pub ten: Account,
    }

    impl State {
        pub fn new(end_ns: u64) -> State {
            let [sixty, thirty, ten]: [_; 3] = Default::default();
            State { end_ns, random: SEED, sixty, thirty, ten }
        }

        /// How long a part is in the next turn, as in shares.h: 0.3 to 1.3 ms.
        fn next_part_ns(&mut self) -> u64 {
            self.random ^= self.random << 13;
            self.random ^= self.random >> 17;
            self.random ^= self.random << 5;
            300_000 + u64::from(self.random % 1_000_000)
        }
    }

    /// The call before it was not the function's last act.
    macro_rules! no_tail_call {
        () => {
            // SAFETY: no instruction at all.
            unsafe { asm!("") }
        };
    }

    macro_rules! spin {
        ($account:expr, $share_ns:expr, $factor:expr) => {
            let account = $account;
            let mut before_ns = clock_ns(CLOCK_THREAD_CPUTIME_ID);
            account.budget_ns += $share_ns;
            while account.used_ns < account.budget_ns {
                let mut value = before_ns;
                let mut step = 0;
                while step < CHUNK_STEPS {
                    value = value * $factor + 1442695040888963407;
                    value ^= value >> 29;
                    step += 1;
                }
                // SAFETY: no instruction; the value is said to be used.
                unsafe { asm!("/* {0} */", in(reg) value) };
                let now_ns = clock_ns(CLOCK_THREAD_CPUTIME_ID);
                account.used_ns += now_ns - before_ns;
                before_ns = now_ns;
            }
        };
    }

    #[inline(never)]
    pub fn hot_sixty(account: &mut Account, part_ns: u64) {
        spin!(account, 6 * part_ns, 6364136223846793005);
    }

    #[inline(never)]
    pub fn hot_thirty(account: &mut Account, part_ns: u64) {
        spin!(account, 3 * part_ns, 3935559000370003845);
    }

    #[inline(never)]
    pub fn hot_ten(account: &mut Account, part_ns: u64) {
        spin!(account, 1 * part_ns, 2862933555777941757);
    }

    #[inline(never)]
    pub fn level_b(state: &mut State) {
        let part_ns = state.next_part_ns();
        hot_sixty(&mut state.sixty, part_ns);
        hot_thirty(&mut state.thirty, part_ns);
        hot_ten(&mut state.ten, part_ns);
        no_tail_call!();
    }

    #[inline(never)]
    pub fn level_a(state: &mut State) {
        level_b(state);
        no_tail_call!();
    }

    #[inline(never)]
    pub fn run(state: &mut State) {
        while monotonic_ns() < state.end_ns {
            level_a(state);
        }
        no_tail_call!();
    }
}

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let seconds: f64 = arguments.get(1).map_or(10.0, |text| text.parse().expect("SECONDS"));
    let count: usize = arguments.get(2).map_or(1, |text| text.parse().expect("THREADS"));
    let end_ns = shares::monotonic_ns() + (seconds * 1e9) as u64;

    let threads: Vec<_> = (1..count)
        .map(|_| {
            std::thread::spawn(move || {
                let mut state = shares::State::new(end_ns);
                shares::run(&mut state);
                state
            })
        })
        .collect();
    let mut own = shares::State::new(end_ns);
    shares::run(&mut own);
    let mut states = vec![own];
    states.extend(threads.into_iter().map(|thread| thread.join().expect("a thread")));

    let sixty: u64 = states.iter().map(|state| state.sixty.used_ns).sum();
    let thirty: u64 = states.iter().map(|state| state.thirty.used_ns).sum();
    let ten: u64 = states.iter().map(|state| state.ten.used_ns).sum();
    let all = (sixty + thirty + ten) as f64 / 100.0;
    println!("share hot_sixty {:.2}", sixty as f64 / all);
    println!("share hot_thirty {:.2}", thirty as f64 / all);
    println!("share hot_ten {:.2}", ten as f64 / all);
}
