//! What is typed while an answer is awaited: it is not echoed, and stands at the next prompt, with Ctrl-D and with the
//! line ends of what was pasted.

#[cfg(unix)]
pub use unix::Keyboard;

#[cfg(unix)]
mod unix {
    use std::io::stdin;
    use std::mem::replace;
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::sync::{Arc, Mutex};
    use std::time::Duration;

    use rustix::event::{PollFd, PollFlags, Timespec, poll};
    use rustix::io::write;
    use rustix::termios::{
        InputModes, LocalModes, OptionalActions, QueueSelector, SpecialCodeIndex, Termios, tcflush,
        tcgetattr, tcsetattr,
    };

    use crate::output::foreground::is_ours;
    use crate::sync::{Ticker, lock};

    /// The terminal marks what is pasted.
    const MARK_PASTES: &[u8] = b"\x1b[?2004h";
    const DO_NOT_MARK_PASTES: &[u8] = b"\x1b[?2004l";
    /// When it is asked to. Nobody pastes sooner, and there is no control code between a question and a quick answer.
    const DELAY: Duration = Duration::from_millis(100);
    /// What was pasted together comes without a longer pause.
    const PAUSE: Timespec = Timespec { tv_sec: 0, tv_nsec: 100_000_000 };

    /// The keyboard of a conversation. Clones share it.
    #[derive(Debug, Clone)]
    pub struct Keyboard {
        /// How the terminal treats it; `None` if there is none to mute.
        usual: Option<Arc<Termios>>,
        is_usual: Arc<AtomicBool>,
        /// Has the terminal mark what is pasted. Locked while anything changes.
        marker: Arc<Mutex<Option<Ticker>>>,
    }

    impl Keyboard {
        /// No keyboard.
        pub fn none() -> Self {
            Self { usual: None, is_usual: Arc::new(true.into()), marker: Arc::default() }
        }

        /// The keyboard of the terminal that is standard input.
        pub fn of_stdin() -> Self {
            Self { usual: tcgetattr(stdin()).ok().map(Arc::new), ..Self::none() }
        }

        /// Whether it is as it was before [`Keyboard::mute`].
        pub fn is_usual(&self) -> Arc<AtomicBool> {
            Arc::clone(&self.is_usual)
        }

        /// Holds back what is typed. Ctrl-C, Ctrl-Z and Ctrl-\ still send their signals.
        pub fn mute(&self) {
            let Some(usual) = self.usual.as_ref().filter(|_| is_ours(stdin())) else { return };
            let mut modes = Termios::clone(usual);
            modes.local_modes.remove(LocalModes::ECHO | LocalModes::ICANON | LocalModes::IEXTEN);
            // nothing is dropped by Ctrl-C
            modes.local_modes.insert(LocalModes::NOFLSH);
            modes.input_modes.remove(InputModes::ICRNL | InputModes::INLCR | InputModes::IGNCR);
            modes.special_codes[SpecialCodeIndex::VMIN] = 1;
            modes.special_codes[SpecialCodeIndex::VTIME] = 0;
            let mut marker = lock(&self.marker);
            self.is_usual.store(false, Ordering::SeqCst);
            set(&modes);
            let (keyboard, mut is_marked) = (self.clone(), false);
            *marker = Some(Ticker::start(DELAY, move || {
                let _marker = lock(&keyboard.marker);
                if !keyboard.is_usual.load(Ordering::SeqCst) && !replace(&mut is_marked, true) {
                    print(MARK_PASTES);
                }
            }));
        }

        /// Makes the terminal as it was.
        pub fn restore(&self) {
            let mut marker = lock(&self.marker);
            *marker = None;
            if let Some(usual) = self.usual.as_ref().filter(|_| is_ours(stdin())) {
                set(usual);
                print(DO_NOT_MARK_PASTES);
            }
            self.is_usual.store(true, Ordering::SeqCst);
        }

        /// Drops what has been typed, and the rest of what is being pasted.
        pub fn drop_input(&self) {
            self.mute();
            let stdin = stdin();
            let mut waiting = [PollFd::new(&stdin, PollFlags::IN)];
            while !self.is_usual.load(Ordering::SeqCst)
                && poll(&mut waiting, Some(&PAUSE)) == Ok(1)
                && waiting[0].revents() == PollFlags::IN
                && tcflush(&stdin, QueueSelector::IFlush).is_ok()
            {}
            self.restore();
        }
    }

    // the terminal may be gone, and then nothing can be done
    fn set(modes: &Termios) {
        let _ = tcsetattr(stdin(), OptionalActions::Now, modes);
    }

    fn print(code: &[u8]) {
        // a write to a terminal that Ctrl-S has stopped would block, and a signal could not end the program
        let terminal = stdin();
        let now = Timespec { tv_sec: 0, tv_nsec: 0 };
        if poll(&mut [PollFd::new(&terminal, PollFlags::OUT)], Some(&now)) == Ok(1) {
            let _ = write(&terminal, code);
        }
    }
}

/// Other systems echo what is typed.
#[cfg(not(unix))]
#[derive(Debug, Clone)]
pub struct Keyboard;

#[cfg(not(unix))]
impl Keyboard {
    pub fn none() -> Self {
        Self
    }

    pub fn of_stdin() -> Self {
        Self
    }

    pub fn is_usual(&self) -> std::sync::Arc<std::sync::atomic::AtomicBool> {
        std::sync::Arc::new(true.into())
    }

    pub fn mute(&self) {}

    pub fn restore(&self) {}

    pub fn drop_input(&self) {}
}
