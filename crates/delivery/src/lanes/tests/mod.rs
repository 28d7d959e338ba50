//! The lanes without IO and without a clock.

mod cases;
mod simulation;
mod world;
