//! Every order in which a few requests, their loads, changes of the user and a cancellation can
//! happen.
//!
//! Not in a runtime: that of tokio makes a task that waits for long yield, and wakes it only then.

use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker};

use futures_util::future::BoxFuture;
use tokio::sync::oneshot;

use super::*;
use crate::support::{Schedule, explore};

#[test]
fn four_requests_and_a_change_see_a_current_user() {
    let orders = explore(|schedule| Model::new(4, 1, false).run(schedule));
    assert!(orders > 500, "{orders}");
}

#[test]
fn two_requests_and_two_changes_see_a_current_user() {
    let orders = explore(|schedule| Model::new(2, 2, false).run(schedule));
    assert!(orders > 500, "{orders}");
}

#[test]
fn cancelled_request_does_not_stop_the_load_of_others() {
    let orders = explore(|schedule| Model::new(3, 1, true).run(schedule));
    assert!(orders > 500, "{orders}");
}

/// What has happened, and what still can.
struct Model {
    layer: AuthLayer<TestUser>,
    cache: UserCache<TestUser>,
    database: Arc<Database>,
    requests: Vec<Request>,
    to_start: usize,
    /// Steps of the changes: each writes, and then invalidates.
    to_change: usize,
    may_cancel: bool,
}

#[derive(Clone, Copy)]
enum Step {
    Start,
    /// A load reads the user, or returns it.
    Load(usize),
    Change,
    CancelFirst,
}

impl Model {
    fn new(requests: usize, changes: usize, may_cancel: bool) -> Self {
        let database = Arc::new(Database::default());
        let cache = UserCache::new(8);
        let layer = AuthLayer::new(testing::verifier(), Arc::clone(&database));
        Self {
            layer: layer.user_cache(cache.clone()),
            cache,
            database,
            requests: Vec::new(),
            to_start: requests,
            to_change: 2 * changes,
            may_cancel,
        }
    }

    fn run(mut self, schedule: &mut Schedule) {
        loop {
            let steps = self.steps();
            if steps.is_empty() {
                break;
            }
            self.make(steps[schedule.choose(steps.len())]);
        }
        let waiting = self.requests.iter().filter(|it| it.user.is_some());
        assert_eq!(waiting.count(), 0, "a request was not woken");

        // Later requests see the last change, with one load at most.
        let loads = self.database.lock().loads.len();
        for _ in 0..2 {
            self.make(Step::Start);
            while let [step, ..] = self.steps()[..] {
                self.make(step);
            }
            assert!(self.database.lock().loads.len() <= loads + 1);
        }
    }

    fn steps(&self) -> Vec<Step> {
        let mut steps = Vec::new();
        if self.to_start > 0 {
            steps.push(Step::Start);
        }
        let loads = &self.database.lock().loads;
        let loading = (0..loads.len()).filter(|load| loads[*load].is_under_way());
        steps.extend(loading.map(Step::Load));
        if self.to_change > 0 {
            steps.push(Step::Change);
        }
        let first = self.requests.first();
        if self.may_cancel && first.is_some_and(|request| request.user.is_some()) {
            steps.push(Step::CancelFirst);
        }
        steps
    }

    fn make(&mut self, step: Step) {
        match step {
            Step::Start => {
                self.to_start = self.to_start.saturating_sub(1);
                let request = self.request();
                self.requests.push(request);
            }
            Step::Load(load) => {
                let gate = self.database.lock().loads[load].gates.pop();
                gate.unwrap().send(()).unwrap();
            }
            Step::Change => {
                self.to_change -= 1;
                if self.to_change % 2 == 1 {
                    self.database.lock().version += 1;
                } else {
                    self.cache.invalidate("jane");
                    let mut database = self.database.lock();
                    database.invalidated = database.version;
                }
            }
            Step::CancelFirst => {
                self.may_cancel = false;
                self.requests[0].user = None;
            }
        }
        // Only those that were woken: a request that is not woken in time waits for ever.
        while let Some(request) = { self.requests.iter_mut() }.find(|it| it.is_woken()) {
            request.poll(&self.database);
        }
    }

    fn request(&self) -> Request {
        let token = testing::token("jane");
        let identity = identity(&self.layer, get_with("/", &token)).now_or_never();
        let identity = identity.unwrap();
        Request {
            user: Some(async move { identity.user().await }.boxed()),
            woken: Arc::new(Woken(AtomicBool::new(true))),
            oldest: self.database.lock().invalidated,
        }
    }
}

struct Request {
    /// `None` after the answer.
    user: Option<BoxFuture<'static, Result<Arc<TestUser>, AuthError>>>,
    woken: Arc<Woken>,
    /// The oldest version that the request may see: the one that was invalidated last before it.
    oldest: u32,
}

impl Request {
    fn is_woken(&self) -> bool {
        self.user.is_some() && self.woken.0.load(Ordering::SeqCst)
    }

    fn poll(&mut self, database: &Database) {
        self.woken.0.store(false, Ordering::SeqCst);
        let waker = Waker::from(Arc::clone(&self.woken));
        let user: Pin<_> = self.user.as_mut().unwrap().as_mut();
        if let Poll::Ready(user) = user.poll(&mut Context::from_waker(&waker)) {
            let version: u32 = user.unwrap().name.parse().unwrap();
            assert!((self.oldest..=database.lock().version).contains(&version));
            self.user = None;
        }
    }
}

struct Woken(AtomicBool);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::SeqCst);
    }
}

/// One user, whose name is its version.
#[derive(Default)]
struct Database(Mutex<State>);

#[derive(Default)]
struct State {
    version: u32,
    /// Version at the last invalidation.
    invalidated: u32,
    loads: Vec<Load>,
}

struct Load {
    /// `invalidated` when it began.
    began: u32,
    /// Before it returns, and before it reads.
    gates: Vec<oneshot::Sender<()>>,
}

impl Load {
    /// Returns `true` if it has neither returned nor been cancelled.
    fn is_under_way(&self) -> bool {
        self.gates.iter().any(|gate| !gate.is_closed())
    }
}

impl Database {
    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.0.lock().unwrap()
    }

    fn begin(&self) -> [oneshot::Receiver<()>; 2] {
        let mut state = self.lock();
        let began = state.invalidated;
        let shared = |load: &&Load| load.is_under_way() && load.began == began;
        assert_eq!(state.loads.iter().filter(shared).count(), 0, "two loads");
        let ((read, reads), (go, goes)) = (oneshot::channel(), oneshot::channel());
        state.loads.push(Load {
            began,
            gates: vec![go, read],
        });
        [reads, goes]
    }
}

#[async_trait]
impl UserLoader for Database {
    type User = TestUser;

    async fn load_user(&self, _: &Claims) -> Result<Option<TestUser>, BoxError> {
        let [reads, goes] = self.begin();
        reads.await?;
        let version = self.lock().version;
        goes.await?;
        Ok(Some(TestUser::approved(&version.to_string())))
    }
}
