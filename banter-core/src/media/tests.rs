mod files;
mod pictures;
mod recordings;
mod uploads;
