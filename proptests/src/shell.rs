//! The same worlds behind the real actors, on one thread with a clock that stands still while anybody has something to do.
//!
//! The actors add nothing: for the same scenario they write the same records as [`crate::run`]. With yields before each
//! handler they meet in any order, and the laws hold all the same.

use std::collections::BTreeMap;
use std::future::pending;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use swarm_actors::ports::Doing;
use swarm_actors::{Committed, Handle, Start, Tell, TurnsOn, World as Port, start};
use swarm_domain::effect::Actor;
use swarm_domain::fact::{Outcome, Request, Standing, Usage};
use swarm_domain::{Effect, Event, Key, TaskId, Usd};
use tokio::runtime::{Builder, Runtime};
use tokio::sync::{Notify, oneshot};
use tokio::time::{Instant, sleep_until};

use crate::choice::{Choices, Site, Who};
use crate::drive::Drive;
use crate::laws::Broken;
use crate::meters::on_beat;
use crate::port::Shared;
use crate::setup::{Explored, Setup};
use crate::world::BEGINNING_MS;

/// Longer than this, in simulated milliseconds, and the actors wait for each other.
const STUCK_MS: u64 = 100_000_000;

/// Runs a scenario to its end through the real actors. With `yields`, each actor lets others go first now and then.
pub fn run_actors(setup: &Setup, yields: bool) -> Explored {
    let mut drive = Drive::new(setup, Choices::new(setup.scenario.clone()));
    let broken = live_on(&mut drive, yields).err();
    drive.explored(broken)
}

fn live_on(drive: &mut Drive, yields: bool) -> Result<(), Broken> {
    drive.plan_it()?;
    while drive.ended.is_none() {
        let runtime = runtime();
        let outcome = runtime.block_on(one_life(drive, yields))?;
        // Dropping it is what `kill -9` does to actors.
        drop(runtime);
        drive.after_a_life(outcome)?;
    }
    drive.at_end()
}

fn runtime() -> Runtime {
    let mut builder = Builder::new_current_thread();
    builder.enable_time().start_paused(true).build().expect("a runtime without threads needs nothing")
}

/// From an opening until the run ends, or the journal fails: then none.
async fn one_life(drive: &mut Drive, yields: bool) -> Result<Option<Outcome>, Broken> {
    let Some(writer) = drive.life.writer.take() else { return Ok(None) };
    let stage = Arc::new(Stage::new(drive.world.clone(), yields));
    let books = drive.life.books();
    let observer = Box::new(move |committed: &Committed| books.take(committed));
    let (pid, version) = (1, "sim".to_owned());
    let begin = Start {
        writer,
        world: stage.clone(),
        observer,
        pid,
        version,
        wall: Standing::default(),
        turns: TurnsOn::Caller,
    };
    let (handle, ended) = Box::pin(start(begin)).await.map_err(|error| Broken::new(12, error.to_string()))?;
    let (money, dies_after) = (drive.money(), drive.dies_after);
    let live = async {
        if let Some((id, request)) = money {
            bring(&handle, id, request).await;
        }
        stage.let_time_pass(&handle, dies_after).await
    };
    tokio::select! {
        biased;
        ended = ended => match ended {
            Ok(Ok(ended)) => Ok(Some(ended.outcome)),
            // The journal failed, or the disk died under it.
            Ok(Err(_)) | Err(_) => Ok(None),
        },
        died = live => {
            died?;
            drive.dies_now();
            Ok(None)
        }
    }
}

async fn bring(handle: &Handle, id: String, request: Request) {
    // Whoever is asked may have come to its end.
    let _ = handle.ask(id, "sim".to_owned(), request).await;
}

/// Who waits for an effect.
struct Waiting {
    answer: oneshot::Sender<Vec<Event>>,
    tell: Tell,
}

/// The simulated world on the actors' clock.
struct Stage {
    world: Shared,
    /// When this life began, on both clocks.
    began: (Instant, u64),
    waiting: Mutex<BTreeMap<Key, Waiting>>,
    news: Notify,
    yields: bool,
    messages: Mutex<u32>,
}

impl Stage {
    fn new(world: Shared, yields: bool) -> Self {
        let now_ms = world.lock().now_ms;
        Self {
            world,
            began: (Instant::now(), now_ms),
            waiting: Mutex::default(),
            news: Notify::new(),
            yields,
            messages: Mutex::new(0),
        }
    }

    /// Brings the world to the actors' time.
    fn on_time(&self) -> std::sync::MutexGuard<'_, crate::world::World> {
        let since = u64::try_from(self.began.0.elapsed().as_millis()).unwrap_or(u64::MAX);
        let mut world = self.world.lock();
        world.now_ms = world.now_ms.max(self.began.1 + since);
        world
    }

    fn at(&self, ms: u64) -> Instant {
        self.began.0 + Duration::from_millis(ms.saturating_sub(self.began.1))
    }

    /// Lets what is under way come to its end, one effect after the other, until swarm is to die.
    async fn let_time_pass(&self, handle: &Handle, dies_after: Option<u32>) -> Result<(), Broken> {
        loop {
            let next_ms = self.world.lock().next_ms();
            let until = next_ms.map_or_else(|| self.at(BEGINNING_MS + STUCK_MS), |ms| self.at(ms));
            tokio::select! {
                biased;
                () = self.news.notified() => continue,
                () = sleep_until(until) => {}
            }
            if next_ms.is_none() {
                return Err(Broken::new(12, "nothing is under way, nothing is due, and the run goes on"));
            }
            self.deliver(handle);
            if let Some(broken) = self.world.lock().broken.take() {
                return Err(broken);
            }
            if dies_after == Some(self.world.lock().happened) {
                // By then everybody has done what there was to do at this moment.
                sleep_until(Instant::now() + Duration::from_millis(1)).await;
                return Ok(());
            }
        }
    }

    fn deliver(&self, handle: &Handle) {
        let Some(news) = self.on_time().next() else { return };
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        match &news.key {
            // The dead speak to whoever is there.
            None => news.facts.into_iter().for_each(|fact| {
                let _ = handle.tell(fact);
            }),
            Some(key) if news.over => {
                if let Some(waiting) = waiting.remove(key) {
                    // Whoever asked may have been dismissed.
                    let _ = waiting.answer.send(news.facts);
                }
            }
            Some(key) => {
                if let Some(waiting) = waiting.get(key) {
                    news.facts.into_iter().for_each(|fact| (waiting.tell)(fact));
                }
            }
        }
    }
}

impl Port for Stage {
    fn now_ms(&self) -> u64 {
        self.on_time().wall_ms()
    }

    fn entropy(&self) -> u64 {
        self.world.lock().entropy()
    }

    fn perform(&self, effect: Effect, tell: Tell) -> Doing<Vec<Event>> {
        let (answer, answered) = oneshot::channel();
        let key = effect.key();
        let mut world = self.on_time();
        if !world.is_under_way(&key) {
            world.begin(effect);
        }
        drop(world);
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner).insert(key, Waiting { answer, tell });
        self.news.notify_one();
        Box::pin(async move {
            match answered.await {
                Ok(facts) => facts,
                // Somebody else waits for it by now.
                Err(_) => pending().await,
            }
        })
    }

    fn set_grant(&self, task: &TaskId, attempt: u32, grant: Usd, _refused: bool) -> Doing<()> {
        self.on_time().set_grant(task, attempt, grant);
        self.news.notify_one();
        Box::pin(std::future::ready(()))
    }

    fn usage(&self, task: &TaskId, attempt: u32) -> Doing<Usage> {
        Box::pin(std::future::ready(self.on_time().usage(task, attempt)))
    }

    /// The budget actor keeps its beat, so that its timers meet no effect's end.
    fn before(&self, actor: &Actor) -> Doing<()> {
        let beat = (*actor == Actor::Budget).then(|| self.at(on_beat(self.on_time().now_ms)));
        let yields = if self.yields { self.next_yields() } else { 0 };
        Box::pin(async move {
            if let Some(beat) = beat {
                sleep_until(beat).await;
            }
            for _ in 0..yields {
                tokio::task::yield_now().await;
            }
        })
    }
}

impl Stage {
    fn next_yields(&self) -> u32 {
        let mut messages = self.messages.lock().unwrap_or_else(PoisonError::into_inner);
        *messages += 1;
        self.world.lock().choices.once(Site::Yield, Who::Number(*messages))
    }
}
