/* The two forms of an address, and the ways between them, as in `_wire`; the protocols are the default registry's. */

#ifndef MULTIADDR_WIRE_H
#define MULTIADDR_WIRE_H

#include "_accel_codecs.h"

#define MOST_PROTOCOLS 255 /* so that a byte holds which one */
#define MOST_NAMES 300
#define NAME_SLOTS 512 /* a power of two; some stay free, which ends a search */
#define NAME_MOST_BYTES 30

typedef struct {
    uint64_t code;
    PyObject *number;   /* the code */
    const Codec *codec; /* NULL: there is no value */
    size_t size;        /* in bytes, where there is a codec; 0: the length stands in front */
    Byte prefix[VARINT_MOST_BYTES];
    Byte prefix_size;
    Byte text_size;
    char text[NAME_MOST_BYTES + 2]; /* the name between slashes, the second one only before a value */
} Protocol;

typedef struct {
    const Protocol *protocol; /* NULL: the slot is free */
    size_t size;
    char name[NAME_MOST_BYTES];
} Name;

static Protocol protocols[MOST_PROTOCOLS];
static int protocol_count, name_count;
static Name names[NAME_SLOTS];
static Byte low_codes[512]; /* one more than the protocol's index; 0: none */

static inline unsigned
name_slot(const Byte *name, size_t size)
{
    return (unsigned)(name[0] * 37u + name[size / 2] * 101u + name[size - 1] * 11u + size * 53u) % NAME_SLOTS;
}

static inline const Protocol *
protocol_named(const Byte *name, size_t size)
{
    if (size == 0 || size > NAME_MOST_BYTES) {
        return NULL;
    }
    for (unsigned slot = name_slot(name, size); names[slot].protocol; slot = (slot + 1) % NAME_SLOTS) {
        if (names[slot].size == size && memcmp(names[slot].name, name, size) == 0) {
            return names[slot].protocol;
        }
    }
    return NULL;
}

static inline const Protocol *
protocol_of(uint64_t code)
{
    if (code < sizeof low_codes) {
        return low_codes[code] ? &protocols[low_codes[code] - 1] : NULL;
    }
    for (int index = 0; index < protocol_count; index++) {
        if (protocols[index].code == code) {
            return &protocols[index];
        }
    }
    return NULL;
}

/* Write a value of a protocol, with its length in front where that belongs there. */
static inline Outcome
value_to_bytes(const Protocol *protocol, const Byte *text, size_t size, Output *out)
{
    const Codec *codec = protocol->codec;
    size_t front = protocol->size == 0; /* most lengths take a byte */
    NEED(out, front);
    out->at += front;
    size_t before = output_size(out);
    Outcome outcome = codec->read(text, size, out);
    if (outcome != DONE) {
        return outcome;
    }
    size_t length = output_size(out) - before;
    if (length == 0 || (codec->check && !codec->check(out->start + before, length))) {
        return UNUSUAL;
    }
    if (front) {
        Byte varint[VARINT_MOST_BYTES + 1];
        size_t more = (size_t)varint_write(varint, length) - 1;
        if (more) {
            NEED(out, more);
            memmove(out->start + before + more, out->start + before, length);
            out->at += more;
        }
        memcpy(out->start + before - 1, varint, 1 + more);
    }
    return DONE;
}

static Outcome
text_to_bytes(const Byte *text, size_t size, Output *out)
{
    const Byte *end = text + size;
    if (size == 0 || *text != '/') {
        return UNUSUAL;
    }
    while (end > text && end[-1] == '/') {
        end--;
    }
    if (text == end) {
        return UNUSUAL;
    }
    while (text < end) {
        const Byte *name = ++text;
        while (text < end && *text != '/') {
            text++;
        }
        const Protocol *protocol = protocol_named(name, (size_t)(text - name));
        if (protocol == NULL) {
            return UNUSUAL;
        }
        NEED(out, VARINT_MOST_BYTES);
        output_put(out, protocol->prefix, protocol->prefix_size);
        if (protocol->codec == NULL) {
            continue;
        }
        if (text == end) {
            return UNUSUAL;
        }
        const Byte *value = ++text;
        const Byte *slash = memchr(text, '/', (size_t)(end - text));
        text = slash ? slash : end;
        if (text == value) {
            return UNUSUAL;
        }
        Outcome outcome = value_to_bytes(protocol, value, (size_t)(text - value), out);
        if (outcome != DONE) {
            return outcome;
        }
    }
    return DONE;
}

typedef struct {
    const Protocol *protocol;
    const Byte *start, *value, *stop;
} Span;

/* Read the frame of the component that begins at `start`. */
static inline Outcome
frame(const Byte *start, const Byte *end, Span *span)
{
    uint64_t code = *start, length;
    span->start = start;
    if (code < 0x80) {
        start++;
    }
    else if (!varint_read(&start, end, &code)) {
        return UNUSUAL;
    }
    const Protocol *protocol = span->protocol = protocol_of(code);
    if (protocol == NULL) {
        return UNUSUAL;
    }
    length = protocol->size;
    if (protocol->codec && length == 0 && (!varint_read(&start, end, &length) || length == 0)) {
        return UNUSUAL;
    }
    if (length > (uint64_t)(end - start)) {
        return UNUSUAL;
    }
    span->value = start;
    span->stop = start + length;
    return DONE;
}

static Outcome
check_bytes(const Byte *raw, size_t size)
{
    const Byte *end = raw + size;
    Span span;
    if (size == 0) {
        return UNUSUAL;
    }
    for (; raw < end; raw = span.stop) {
        if (frame(raw, end, &span) != DONE) {
            return UNUSUAL;
        }
        const Codec *codec = span.protocol->codec;
        if (codec && codec->check && !codec->check(span.value, (size_t)(span.stop - span.value))) {
            return UNUSUAL;
        }
    }
    return DONE;
}

static Outcome
bytes_to_text(const Byte *raw, size_t size, Output *out)
{
    const Byte *end = raw + size;
    Span span;
    for (; raw < end; raw = span.stop) {
        if (frame(raw, end, &span) != DONE) {
            return UNUSUAL;
        }
        NEED(out, NAME_MOST_BYTES + 2);
        output_put(out, span.protocol->text, span.protocol->text_size);
        if (span.protocol->codec) {
            Outcome outcome = span.protocol->codec->write(span.value, (size_t)(span.stop - span.value), out);
            if (outcome != DONE) {
                return outcome;
            }
        }
    }
    return DONE;
}

#endif
