//! Channels whose ends are awaited, for whatever runtime.

use crate::runtime::pair::{Rx, Tx};

impl Tx for flume::Sender<u64> {
    async fn send(&mut self, message: u64) {
        let sent = self.send_async(message).await;
        sent.expect("the receiver is there");
    }

    fn try_send(&mut self, message: u64) -> bool {
        flume::Sender::try_send(self, message).is_ok()
    }
}

impl Rx for flume::Receiver<u64> {
    async fn recv(&mut self) -> Option<u64> {
        self.recv_async().await.ok()
    }

    fn try_recv(&mut self) -> Option<u64> {
        flume::Receiver::try_recv(self).ok()
    }
}

impl Tx for async_channel::Sender<u64> {
    async fn send(&mut self, message: u64) {
        let sent = async_channel::Sender::send(self, message).await;
        sent.expect("the receiver is there");
    }

    fn try_send(&mut self, message: u64) -> bool {
        async_channel::Sender::try_send(self, message).is_ok()
    }
}

impl Rx for async_channel::Receiver<u64> {
    async fn recv(&mut self) -> Option<u64> {
        async_channel::Receiver::recv(self).await.ok()
    }

    fn try_recv(&mut self) -> Option<u64> {
        async_channel::Receiver::try_recv(self).ok()
    }
}

/// The parts of a pair whose ends go to their threads as they are.
macro_rules! ends {
    ($tx:ty, $rx:ty, $make:expr) => {
        type Tx = $tx;
        type Rx = $rx;
        type HalfTx = $tx;
        type HalfRx = $rx;

        fn channel(capacity: usize) -> ($tx, $rx) {
            $make(capacity)
        }

        async fn connect_tx(half: $tx) -> $tx {
            half
        }

        async fn connect_rx(half: $rx) -> $rx {
            half
        }
    };
}
pub(crate) use ends;
