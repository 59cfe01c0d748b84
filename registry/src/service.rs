//! The gRPC services, over the parts that do the work.

mod cluster;
mod directory;
mod registrar;
mod rooms;

pub use cluster::ClusterService;
pub use directory::DirectoryService;
pub use registrar::RegistrarService;
