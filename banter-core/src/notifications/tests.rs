mod inbox;
mod push;
mod texts;
