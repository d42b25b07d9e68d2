//! Managers for the clients of servers, each a recipe to be copied into an application. `README.md` is their index.
