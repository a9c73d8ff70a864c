//! Store whose loads a test can overtake.

use super::*;

/// Store of one user that reads and waits in the order that the test sets.
pub struct Stage {
    user: Mutex<TestUser>,
    order: Mutex<Order>,
    loads: Mutex<usize>,
    pub gate: Semaphore,
}

/// Order of reading the user and waiting for the gate.
#[derive(Clone, Copy, PartialEq)]
pub enum Order {
    Reads,
    ReadsThenWaits,
    WaitsThenReads,
}

impl Stage {
    pub fn new(order: Order) -> (Arc<Self>, AuthLayer<TestUser>, UserCache<TestUser>) {
        let stage = Arc::new(Self {
            user: Mutex::new(TestUser::approved("Jane")),
            order: Mutex::new(order),
            loads: Mutex::new(0),
            gate: Semaphore::new(0),
        });
        let cache = UserCache::new(16);
        let layer = AuthLayer::new(testing::verifier(), Arc::clone(&stage));
        (stage, layer.user_cache(cache.clone()), cache)
    }

    pub fn put(&self, user: TestUser) {
        *self.user.lock().unwrap() = user;
    }

    pub fn becomes(&self, order: Order) {
        *self.order.lock().unwrap() = order;
    }

    pub fn loads(&self) -> usize {
        *self.loads.lock().unwrap()
    }

    fn read(&self) -> TestUser {
        self.user.lock().unwrap().clone()
    }

    fn pass(&self) -> impl Future<Output = ()> {
        self.gate.acquire().map(|permit| permit.unwrap().forget())
    }
}

#[async_trait]
impl UserLoader for Stage {
    type User = TestUser;

    async fn load_user(&self, _: &Claims) -> Result<Option<TestUser>, BoxError> {
        *self.loads.lock().unwrap() += 1;
        let order = *self.order.lock().unwrap();
        let user = match order {
            Order::Reads => self.read(),
            Order::ReadsThenWaits => {
                let user = self.read();
                self.pass().await;
                user
            }
            Order::WaitsThenReads => {
                self.pass().await;
                self.read()
            }
        };
        Ok(Some(user))
    }
}
