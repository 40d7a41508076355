/* The codecs, as in `codecs/`: `read` writes a value's bytes, `write` its text, `check` refuses bytes that are no
   value. None sees an empty value, and `write` and `check` none of the wrong fixed size. What is refused is for Python.
 */

#ifndef MULTIADDR_CODECS_H
#define MULTIADDR_CODECS_H

#include "_accel_bases.h"

typedef struct {
    const char *name;
    size_t size; /* in bytes; 0: any, with the length in front */
    Outcome (*read)(const Byte *text, size_t size, Output *out);
    Outcome (*write)(const Byte *raw, size_t size, Output *out);
    int (*check)(const Byte *raw, size_t size); /* NULL: all bytes of the right size are a value */
} Codec;

static int
number_read(const Byte *text, const Byte *end, uint64_t most, uint64_t *number)
{
    uint64_t sum = 0;
    if (text == end) {
        return 0;
    }
    for (; text < end; text++) {
        unsigned digit = *text - (unsigned)'0';
        if (digit > 9 || sum > (most - digit) / 10) {
            return 0;
        }
        sum = 10 * sum + digit;
    }
    *number = sum;
    return 1;
}

/* Read a number of so many bytes, big-endian. */
static inline Outcome
uint_read(const Byte *text, size_t length, size_t size, Output *out)
{
    uint64_t number;
    if (!number_read(text, text + length, UINT64_MAX >> (64 - 8 * size), &number)) {
        return UNUSUAL;
    }
    NEED(out, size);
    for (size_t index = size; index-- > 0; number >>= 8) {
        out->at[index] = (Byte)number;
    }
    out->at += size;
    return DONE;
}

static Outcome
uint8_read(const Byte *text, size_t size, Output *out)
{
    return uint_read(text, size, 1, out);
}

static Outcome
uint16_read(const Byte *text, size_t size, Output *out)
{
    return uint_read(text, size, 2, out);
}

static Outcome
uint64_read(const Byte *text, size_t size, Output *out)
{
    return uint_read(text, size, 8, out);
}

static Outcome
uint_write(const Byte *raw, size_t size, Output *out)
{
    Byte digits[20], *from = digits + sizeof digits;
    uint64_t number = 0;
    for (size_t index = 0; index < size; index++) {
        number = number << 8 | raw[index];
    }
    do {
        *--from = (Byte)('0' + number % 10);
        number /= 10;
    } while (number);
    NEED(out, sizeof digits);
    output_put(out, from, (size_t)(digits + sizeof digits - from));
    return DONE;
}

static int
quad_read(const Byte *text, const Byte *end, Byte *quad)
{
    for (int index = 0; index < 4; index++) {
        unsigned octet = 0;
        const Byte *begin = text;
        for (; text < end && text - begin < 4 && *text - (unsigned)'0' <= 9; text++) {
            octet = 10 * octet + (*text - (unsigned)'0');
        }
        if (text == begin || octet > 255 || (*begin == '0' && text - begin > 1)) {
            return 0;
        }
        quad[index] = (Byte)octet;
        if (index < 3 && (text == end || *text++ != '.')) {
            return 0;
        }
    }
    return text == end;
}

static Byte *
quad_write(const Byte *quad, Byte *at)
{
    for (int index = 0; index < 4; index++) {
        unsigned octet = quad[index];
        if (index) {
            *at++ = '.';
        }
        if (octet >= 100) {
            *at++ = (Byte)('0' + octet / 100);
        }
        if (octet >= 10) {
            *at++ = (Byte)('0' + octet / 10 % 10);
        }
        *at++ = (Byte)('0' + octet % 10);
    }
    return at;
}

#define QUAD_MOST_CHARACTERS 15

static Outcome
ip4_read(const Byte *text, size_t size, Output *out)
{
    NEED(out, 4);
    if (!quad_read(text, text + size, out->at)) {
        return UNUSUAL;
    }
    out->at += 4;
    return DONE;
}

static Outcome
ip4_write(const Byte *raw, size_t size, Output *out)
{
    (void)size;
    NEED(out, QUAD_MOST_CHARACTERS);
    out->at = quad_write(raw, out->at);
    return DONE;
}

static Outcome
ip6_read(const Byte *text, size_t size, Output *out)
{
    const Byte *at = text, *end = text + size;
    Byte groups[16];
    int filled = 0, gap = -1; /* in bytes */
    if (size >= 2 && at[0] == ':' && at[1] == ':') {
        gap = 0;
        at += 2;
    }
    while (at < end) {
        const Byte *begin = at;
        unsigned group = 0;
        for (; at < end && at - begin < 4 && base16.values[*at] != NO_DIGIT; at++) {
            group = group << 4 | base16.values[*at];
        }
        if (at < end && *at == '.') { /* the last two groups as an IPv4 address */
            if (filled > 12 || !quad_read(begin, end, groups + filled)) {
                return UNUSUAL;
            }
            filled += 4;
            break;
        }
        if (at == begin || filled > 14) {
            return UNUSUAL;
        }
        groups[filled++] = (Byte)(group >> 8);
        groups[filled++] = (Byte)group;
        if (at == end) {
            break;
        }
        if (*at++ != ':' || at == end) {
            return UNUSUAL;
        }
        if (*at == ':') {
            if (gap >= 0) {
                return UNUSUAL;
            }
            gap = filled;
            at++;
        }
    }
    if (gap < 0 ? filled != 16 : filled > 14) { /* :: stands for at least one group */
        return UNUSUAL;
    }
    NEED(out, 16);
    size_t front = gap < 0 ? 16 : (size_t)gap, back = (size_t)filled - front;
    memset(out->at, 0, 16);
    memcpy(out->at, groups, front);
    memcpy(out->at + 16 - back, groups + front, back);
    out->at += 16;
    return DONE;
}

static Outcome
ip6_write(const Byte *raw, size_t size, Output *out)
{
    static const Byte mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF};
    (void)size;
    NEED(out, 8 * 5);
    if (memcmp(raw, mapped, sizeof mapped) == 0) {
        output_put(out, "::ffff:", 7);
        out->at = quad_write(raw + sizeof mapped, out->at);
        return DONE;
    }
    int zeros_at = -1, zeros = 1; /* the longest run of zero groups, the leftmost of equal ones, never a single group */
    for (int index = 0; index < 8;) {
        int run = 0;
        while (index + run < 8 && raw[2 * (index + run)] == 0 && raw[2 * (index + run) + 1] == 0) {
            run++;
        }
        if (run > zeros) {
            zeros_at = index;
            zeros = run;
        }
        index += run + 1;
    }
    Byte *at = out->at;
    for (int index = 0; index < 8; index++) {
        if (index == zeros_at) {
            *at++ = ':';
            index += zeros - 1;
            if (index == 7) {
                *at++ = ':';
            }
            continue;
        }
        if (index) {
            *at++ = ':';
        }
        unsigned group = (unsigned)raw[2 * index] << 8 | raw[2 * index + 1];
        for (int shift = group >> 12 ? 12 : group >> 8 ? 8 : group >> 4 ? 4 : 0; shift >= 0; shift -= 4) {
            *at++ = (Byte) "0123456789abcdef"[group >> shift & 15];
        }
    }
    out->at = at;
    return DONE;
}

static Outcome
copy(const Byte *bytes, size_t size, Output *out)
{
    NEED(out, size);
    output_put(out, bytes, size);
    return DONE;
}

static int
text_check(const Byte *raw, size_t size)
{
    for (size_t index = 0; index < size; index++) {
        if (raw[index] >= 0x80 || raw[index] == '/') { /* Python checks UTF-8 */
            return 0;
        }
    }
    return 1;
}

static Outcome
percent_read(const Byte *text, size_t size, Output *out)
{
    const Byte *end = text + size;
    NEED(out, size);
    while (text < end) {
        if (*text != '%') {
            *out->at++ = *text++;
            continue;
        }
        if (end - text < 3 || base16.values[text[1]] == NO_DIGIT || base16.values[text[2]] == NO_DIGIT) {
            return UNUSUAL;
        }
        *out->at++ = (Byte)(base16.values[text[1]] << 4 | base16.values[text[2]]);
        text += 3;
    }
    return DONE;
}

static Outcome
percent_write(const Byte *raw, size_t size, Output *out)
{
    if (size > PY_SSIZE_T_MAX / 3) {
        return UNUSUAL;
    }
    NEED(out, 3 * size);
    for (size_t index = 0; index < size; index++) {
        Byte byte = raw[index];
        /* Unreserved are letters, digits and -._~: those of base64url, and two more. */
        if (base64url.values[byte] != NO_DIGIT || byte == '.' || byte == '~') {
            *out->at++ = byte;
        }
        else {
            *out->at++ = '%';
            *out->at++ = (Byte)base16.digits[byte >> 4];
            *out->at++ = (Byte)base16.digits[byte & 15];
        }
    }
    return DONE;
}

static Outcome
multibase_read(const Byte *text, size_t size, Output *out)
{
    return *text == 'u' ? bits_read(&base64url, 6, text + 1, size - 1, out) : UNUSUAL;
}

static Outcome
multibase_write(const Byte *raw, size_t size, Output *out)
{
    NEED(out, 1);
    *out->at++ = 'u';
    return bits_write(&base64url, 6, raw, size, out);
}

static int
multihash_check(const Byte *raw, size_t size)
{
    const Byte *end = raw + size;
    uint64_t code, length;
    return varint_read(&raw, end, &code) && varint_read(&raw, end, &length) && length == (uint64_t)(end - raw);
}

static int
peer_id_check(const Byte *raw, size_t size) /* sha2-256, or identity of at most 42 bytes */
{
    return size >= 2 &&
           ((raw[0] == 0x12 && raw[1] == 32 && size == 34) || (raw[0] == 0 && raw[1] <= 42 && raw[1] == size - 2));
}

static Outcome
peer_id_read(const Byte *text, size_t size, Output *out)
{
    if (*text != '1' && (size != 46 || text[0] != 'Q' || text[1] != 'm')) { /* what has those two has 46 characters */
        return UNUSUAL;
    }
    return base58_read(text, size, out);
}

static Outcome
onion_read(const Byte *text, size_t size, size_t characters, Output *out)
{
    if (size < characters + 2 || text[characters] != ':') {
        return UNUSUAL;
    }
    Outcome outcome = bits_read(&base32, 5, text, characters, out);
    return outcome == DONE ? uint16_read(text + characters + 1, size - characters - 1, out) : outcome;
}

static Outcome
onion2_read(const Byte *text, size_t size, Output *out)
{
    return onion_read(text, size, 16, out);
}

static Outcome
onion3_read(const Byte *text, size_t size, Output *out)
{
    return onion_read(text, size, 56, out);
}

static Outcome
onion_write(const Byte *raw, size_t size, Output *out)
{
    Outcome outcome = bits_write(&base32, 5, raw, size - 2, out);
    if (outcome != DONE) {
        return outcome;
    }
    NEED(out, 1);
    *out->at++ = ':';
    return uint_write(raw + size - 2, 2, out);
}

static int
onion_check(const Byte *raw, size_t size)
{
    return raw[size - 2] || raw[size - 1]; /* port 0 is none */
}

static Outcome
garlic64_read(const Byte *text, size_t size, Output *out)
{
    size_t bare = size;
    while (bare > 0 && text[bare - 1] == '=') {
        bare--;
    }
    if (bare < size && (size % 4 || size - bare > 2)) { /* padding fills up four characters */
        return UNUSUAL;
    }
    return bits_read(&base64i2p, 6, text, bare, out);
}

static Outcome
garlic64_write(const Byte *raw, size_t size, Output *out)
{
    Outcome outcome = bits_write(&base64i2p, 6, raw, size, out);
    if (outcome != DONE) {
        return outcome;
    }
    size_t padding = (3 - size % 3) % 3;
    NEED(out, padding);
    output_put(out, "==", padding);
    return DONE;
}

static int
garlic64_check(const Byte *raw, size_t size)
{
    (void)raw;
    return size >= 386;
}

static Outcome
base32_read(const Byte *text, size_t size, Output *out)
{
    return bits_read(&base32, 5, text, size, out);
}

static Outcome
base32_write(const Byte *raw, size_t size, Output *out)
{
    return bits_write(&base32, 5, raw, size, out);
}

static int
garlic32_check(const Byte *raw, size_t size)
{
    (void)raw;
    return size == 32 || size >= 35;
}

static const Codec codecs[] = {
    {"ip4", 4, ip4_read, ip4_write, NULL},
    {"ip6", 16, ip6_read, ip6_write, NULL},
    {"text", 0, copy, copy, text_check},
    {"uint8", 1, uint8_read, uint_write, NULL},
    {"uint16", 2, uint16_read, uint_write, NULL},
    {"uint64", 8, uint64_read, uint_write, NULL},
    {"peer_id", 0, peer_id_read, base58_write, peer_id_check},
    {"multihash", 0, multibase_read, multibase_write, multihash_check},
    {"multibase", 0, multibase_read, multibase_write, NULL},
    {"path", 0, percent_read, percent_write, NULL},
    {"percent", 0, percent_read, percent_write, NULL},
    {"onion", 12, onion2_read, onion_write, onion_check},
    {"onion3", 37, onion3_read, onion_write, onion_check},
    {"garlic64", 0, garlic64_read, garlic64_write, garlic64_check},
    {"garlic32", 0, base32_read, base32_write, garlic32_check},
};

#endif
