//! Counts connections, to know whether an unanswered request had a connection at all.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};

use tower_layer::Layer;
use tower_service::Service;

/// How many connections of a pool were begun, and how many were made. Clones share both.
#[derive(Debug, Clone, Default)]
pub(crate) struct Connections(Arc<Counts>);

#[derive(Debug, Default)]
struct Counts {
    begun: AtomicUsize,
    made: AtomicUsize,
}

/// The counts at a moment.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Counted {
    begun: usize,
    made: usize,
}

impl Connections {
    pub(crate) fn now(&self) -> Counted {
        Counted { begun: self.0.begun.load(Ordering::Relaxed), made: self.0.made.load(Ordering::Relaxed) }
    }

    /// Returns whether connections were begun since then, but none was established: a request that waits for one has
    /// none.
    pub(crate) fn are_stuck_since(&self, then: Counted) -> bool {
        let now = self.now();
        now.begun > then.begun && now.made == then.made
    }
}

impl<S> Layer<S> for Connections {
    type Service = Counting<S>;

    fn layer(&self, inner: S) -> Counting<S> {
        Counting { inner, connections: self.clone() }
    }
}

/// A connector whose connections are counted.
#[derive(Clone)]
pub(crate) struct Counting<S> {
    inner: S,
    connections: Connections,
}

impl<S, R> Service<R> for Counting<S>
where
    S: Service<R>,
    S::Future: Send + 'static,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = Pin<Box<dyn Future<Output = Result<S::Response, S::Error>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: R) -> Self::Future {
        let Connections(counts) = self.connections.clone();
        counts.begun.fetch_add(1, Ordering::Relaxed);
        let connecting = self.inner.call(request);
        Box::pin(async move {
            let connection = connecting.await?;
            counts.made.fetch_add(1, Ordering::Relaxed);
            Ok(connection)
        })
    }
}
