//! The peers, one file each.

mod actix;
mod affinitypool;
mod channels;
mod compio;
mod compio_dispatcher;
mod floors;
#[cfg(feature = "glommio")]
mod glommio;
mod grommet;
mod kameo;
mod kimojio;
mod monoio;
mod ours;
mod paired;
mod ractor;
mod threads;
mod tokio_local;

use super::peer::Peer;

/// All, in the order in which they are listed.
pub(crate) fn all() -> Vec<&'static dyn Peer> {
    vec![
        &ours::executor::DEFAULT,
        &ours::executor::PARK,
        &ours::executor::BUSY_POLL,
        &ours::outside::OUTSIDE,
        &ours::channel::CHANNEL,
        &ours::streams::MESH,
        &ours::pool::DEFAULT,
        &ours::pool::PARK,
        &ours::pool::BATCHER,
        &threads::CROSSBEAM,
        &threads::FLUME,
        #[cfg(feature = "glommio")]
        &glommio::PARK,
        #[cfg(feature = "glommio")]
        &glommio::SPIN,
        &monoio::FLUME,
        &monoio::ASYNC_CHANNEL,
        &compio::FLUME,
        &compio_dispatcher::DISPATCHER,
        &grommet::GROMMET,
        &tokio_local::TOKIO,
        &actix::ACTIX,
        &kameo::KAMEO,
        &ractor::RACTOR,
        &affinitypool::POOL,
        &kimojio::KIMOJIO,
        &floors::SPIN,
        &floors::FUTEX,
    ]
}
