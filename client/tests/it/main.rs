//! The clients: the client rule sentence by sentence, its healing as a property, tabs and accounts.

#[cfg(test)]
mod accounts;
#[cfg(test)]
mod asking;
#[cfg(test)]
mod broken;
#[cfg(test)]
mod driver;
#[cfg(test)]
mod finals;
#[cfg(test)]
mod frames;
#[cfg(test)]
mod healing;
#[cfg(test)]
mod recordings;
#[cfg(test)]
mod resumed;
#[cfg(test)]
mod service;
#[cfg(test)]
mod story;
#[cfg(test)]
mod tabs;
#[cfg(test)]
mod text;
#[cfg(test)]
mod traces;
