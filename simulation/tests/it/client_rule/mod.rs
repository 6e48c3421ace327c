//! The clients: the client rule sentence by sentence, its healing as a property, tabs and accounts.

mod accounts;
mod asking;
mod broken;
mod driver;
mod finals;
mod frames;
mod healing;
mod recordings;
mod resumed;
mod service;
mod story;
mod tabs;
mod text;
