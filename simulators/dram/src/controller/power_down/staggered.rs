//! Staggered power-down: power-down as soon as a rank is idle, self refresh once a refresh falls due while it sleeps.
use crate::command::Command;

/// Where the rank is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Idle,
    ActivePowerDown,
    PrechargePowerDown,
    SelfRefresh,
    /// Left self refresh; one refresh is due before normal work.
    ExtraRefresh,
}

/// State of one rank's manager.
#[derive(Debug, Clone)]
pub(crate) struct Staggered {
    state: State,
    idle: bool,
    entry: bool,
    exit: bool,
    self_refresh: bool,
    pub next: Option<Command>,
}

impl Staggered {
    pub(crate) fn new() -> Self {
        Self { state: State::Idle, idle: true, entry: true, exit: false, self_refresh: false, next: None }
    }

    /// Works out the next command.
    pub(crate) fn evaluate(&mut self, any_bank_open: bool) {
        self.next = if self.exit {
            match self.state {
                State::Idle => None,
                State::ActivePowerDown => Some(Command::PdXa),
                State::PrechargePowerDown => Some(Command::PdXp),
                State::SelfRefresh => Some(Command::SrefEx),
                State::ExtraRefresh => Some(Command::RefAb),
            }
        } else if self.entry {
            Some(if any_bank_open { Command::PdEa } else { Command::PdEp })
        } else if self.self_refresh {
            Some(Command::SrefEn)
        } else {
            None
        };
    }

    /// The rank has no request left.
    pub(crate) fn rank_idle(&mut self) {
        self.idle = true;
        if self.state == State::Idle {
            self.entry = true;
        }
    }

    /// The first request for the rank arrived.
    pub(crate) fn request_arrived(&mut self) {
        self.idle = false;
        self.self_refresh = false;
        self.entry = false;
        if self.state != State::Idle {
            self.exit = true;
        }
    }

    /// A refresh falls due.
    pub(crate) fn interrupt(&mut self) {
        self.entry = false;
        if self.state != State::Idle {
            self.exit = true;
        }
    }

    /// Takes note of a command sent to the rank.
    pub(crate) fn update(&mut self, command: Command) {
        match command {
            Command::PdEa => {
                self.state = State::ActivePowerDown;
                self.entry = false;
            }
            Command::PdEp => {
                self.state = State::PrechargePowerDown;
                self.entry = false;
            }
            Command::PdXa => {
                self.state = State::Idle;
                self.exit = false;
            }
            Command::PdXp => {
                self.state = State::Idle;
                self.exit = false;
                self.self_refresh = self.idle;
            }
            Command::SrefEn => {
                self.state = State::SelfRefresh;
                self.entry = false;
                self.self_refresh = false;
            }
            Command::SrefEx => self.state = State::ExtraRefresh,
            Command::RefAb if self.state == State::ExtraRefresh => {
                self.state = State::Idle;
                self.exit = false;
            }
            Command::RefAb | Command::RefPb | Command::RefSb if self.idle => self.entry = true,
            _ => {}
        }
    }
}
