//! Examples of the engine; they stand in `examples/` beside this file.
