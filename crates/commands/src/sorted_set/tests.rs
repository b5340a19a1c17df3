mod add;
mod combine;
mod log;
mod look;
mod pop;
mod range;
mod remove;
