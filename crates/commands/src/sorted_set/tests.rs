mod add;
mod combine;
mod events;
mod log;
mod look;
mod pop;
mod range;
mod remove;
