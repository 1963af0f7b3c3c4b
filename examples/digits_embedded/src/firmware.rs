//! What a microcontroller runs: the digit, to the debugger, and then nothing.

use core::hint::black_box;
use core::panic::PanicInfo;

use cortex_m_rt::entry;
use cortex_m_semihosting::{debug, hprintln};

use super::{Memory, SEVEN, classify};

#[entry]
fn main() -> ! {
    // `entry` hands it out once, as a reference: memory of the program and not of the stack.
    static mut MEMORY: Memory = Memory::new();
    hprintln!("It is a {}.", classify(black_box(&SEVEN), MEMORY));
    stop(debug::EXIT_SUCCESS)
}

#[panic_handler]
fn panic(_: &PanicInfo<'_>) -> ! {
    stop(debug::EXIT_FAILURE)
}

fn stop(status: debug::ExitStatus) -> ! {
    debug::exit(status);
    loop {
        cortex_m::asm::wfi();
    }
}
