// What a terminal shows and how much of it: columns that a text takes, width of the window, whether a line
// can be drawn over.
#pragma once

#include <cstddef>
#include <string_view>

namespace jsc {

// Terminal columns of UTF-8 text: 2 for wide East Asian characters, 0 for combining ones. Control characters
// and bytes that are not UTF-8 count as one column.
int display_width(std::string_view text);

// Bytes of the longest beginning of `text` that takes at most `columns` columns; never splits a character.
std::size_t prefix_within(std::string_view text, int columns);

// Columns of the terminal behind a file descriptor; 0 if it is not a terminal (no limit).
int terminal_width(int fd);

// Whether a line on this descriptor can be overwritten: a terminal that is not TERM=dumb.
bool can_redraw(int fd);

}  // namespace jsc
