/* Where output goes, and how numbers and bytes are written: varints, base 32, 58 and 64. */

#ifndef MULTIADDR_BASES_H
#define MULTIADDR_BASES_H

#define PY_SSIZE_T_CLEAN
#ifndef Py_LIMITED_API
#define Py_LIMITED_API 0x030B0000 /* one binary for every version from 3.11 on */
#endif
#include <Python.h>
#include <stdint.h>
#include <string.h>

typedef unsigned char Byte;

typedef enum {
    DONE,
    UNUSUAL, /* for Python to do */
    FAILED   /* with an exception set: no memory */
} Outcome;

/* Output: on the stack while it is short. */

typedef struct {
    Byte *start, *at, *end;
    Byte local[512];
} Output;

static void
output_begin(Output *out)
{
    out->start = out->at = out->local;
    out->end = out->local + sizeof out->local;
}

static void
output_end(Output *out)
{
    if (out->start != out->local) {
        PyMem_Free(out->start);
    }
}

static size_t
output_size(const Output *out)
{
    return (size_t)(out->at - out->start);
}

static Outcome
output_grow(Output *out, size_t more)
{
    size_t used = output_size(out), size = 2 * (size_t)(out->end - out->start);
    if (more > (size_t)PY_SSIZE_T_MAX - used) {
        PyErr_NoMemory();
        return FAILED;
    }
    if (size < used + more) {
        size = used + more;
    }
    Byte *start = out->start == out->local ? PyMem_Malloc(size) : PyMem_Realloc(out->start, size);
    if (start == NULL) {
        PyErr_NoMemory();
        return FAILED;
    }
    if (out->start == out->local) {
        memcpy(start, out->local, used);
    }
    out->start = start;
    out->at = start + used;
    out->end = start + size;
    return DONE;
}

/* Make room for so many more bytes behind `at`. */
static inline Outcome
output_need(Output *out, size_t more)
{
    return more <= (size_t)(out->end - out->at) ? DONE : output_grow(out, more);
}

#define NEED(out, more)                                                                                                \
    do {                                                                                                               \
        if (output_need((out), (more)) != DONE) {                                                                      \
            return FAILED;                                                                                             \
        }                                                                                                              \
    } while (0)

static inline void
output_put(Output *out, const void *bytes, size_t size) /* where there is room */
{
    memcpy(out->at, bytes, size);
    out->at += size;
}

/* Varints: minimal, at most nine bytes. */

#define VARINT_MOST_BYTES 9

/* Read a varint that begins at `*at`, and go behind it; false for one that is wrong. */
static inline int
varint_read(const Byte **at, const Byte *end, uint64_t *number)
{
    const Byte *byte = *at;
    uint64_t sum = 0;
    for (int bits = 0; bits < 7 * VARINT_MOST_BYTES && byte < end; bits += 7, byte++) {
        sum |= (uint64_t)(*byte & 0x7F) << bits;
        if (*byte < 0x80) {
            *at = byte + 1;
            *number = sum;
            return *byte != 0 || bits == 0;
        }
    }
    return 0;
}

/* Write a number below 2**63; return how many bytes that took. */
static inline int
varint_write(Byte *at, uint64_t number)
{
    int size = 0;
    for (; number >= 0x80; number >>= 7) {
        at[size++] = (Byte)(number | 0x80);
    }
    at[size++] = (Byte)number;
    return size;
}

/* Bases: the alphabets are stated here, and turned round when the module is loaded. */

#define NO_DIGIT 0xFF

typedef struct {
    const char *digits;
    int any_case;
    Byte values[256]; /* NO_DIGIT for what is no character of the base */
} Alphabet;

static Alphabet base16 = {"0123456789ABCDEF", 1, {0}};
static Alphabet base32 = {"abcdefghijklmnopqrstuvwxyz234567", 1, {0}};
static Alphabet base58 = {"123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz", 0, {0}};
static Alphabet base64url = {"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_", 0, {0}};
static Alphabet base64i2p = {"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-~", 0, {0}};

static void
alphabet_prepare(Alphabet *alphabet)
{
    memset(alphabet->values, NO_DIGIT, sizeof alphabet->values);
    for (int value = 0; alphabet->digits[value]; value++) {
        Byte digit = (Byte)alphabet->digits[value];
        alphabet->values[digit] = (Byte)value;
        if (alphabet->any_case && digit >= 'A') {
            alphabet->values[digit ^ 0x20] = (Byte)value;
        }
    }
}

/* Read base 32 or 64, without padding; bits left over at the end are ignored. */
static Outcome
bits_read(const Alphabet *alphabet, int bits, const Byte *text, size_t size, Output *out)
{
    unsigned held = 0;
    int count = 0;
    NEED(out, size); /* more than it takes */
    for (size_t index = 0; index < size; index++) {
        Byte value = alphabet->values[text[index]];
        if (value == NO_DIGIT) {
            return UNUSUAL;
        }
        held = held << bits | value;
        count += bits;
        if (count >= 8) {
            count -= 8;
            *out->at++ = (Byte)(held >> count);
        }
    }
    return count >= bits ? UNUSUAL : DONE; /* a character more than the bytes need */
}

/* Write base 32 or 64, without padding. */
static Outcome
bits_write(const Alphabet *alphabet, int bits, const Byte *raw, size_t size, Output *out)
{
    unsigned held = 0, mask = (1u << bits) - 1;
    int count = 0;
    NEED(out, 2 * size); /* more than it takes; an object has at most half of all bytes */
    for (size_t index = 0; index < size; index++) {
        held = held << 8 | raw[index];
        count += 8;
        while (count >= bits) {
            count -= bits;
            *out->at++ = (Byte)alphabet->digits[held >> count & mask];
        }
    }
    if (count) {
        *out->at++ = (Byte)alphabet->digits[held << (bits - count) & mask];
    }
    return DONE;
}

/* Base 58, of up to 60 characters or 48 bytes. Both ways go from limbs of one base (four characters, or a word of 32
   bits) to limbs of the other: what stands in each place times what the place is worth, summed up. Places and limbs
   count from the right. At most 15 products are summed before anything is carried: 15 * 58**4 * 2**32 < 2**60. */

#define FOUR 11316496u /* 58**4 */
#define FOURS 15       /* as many as are read; 58**60 < 2**352 */
#define WORDS 12
#define WRITTEN_FOURS 17 /* of so many words */

static uint32_t words_of_fours[WORDS][FOURS];         /* [limb][place]: that word of 58**(4*place) */
static uint32_t fours_of_words[WRITTEN_FOURS][WORDS]; /* [limb][place]: those four characters of 2**(32*place) */

static void
base58_prepare(void)
{
    for (int place = 0; place < FOURS; place++) {
        uint64_t carry = place == 0;
        for (int limb = 0; limb < WORDS; limb++) {
            carry += place ? (uint64_t)words_of_fours[limb][place - 1] * FOUR : 0;
            words_of_fours[limb][place] = (uint32_t)carry;
            carry >>= 32;
        }
    }
    for (int place = 0; place < WORDS; place++) {
        uint64_t carry = place == 0;
        for (int limb = 0; limb < WRITTEN_FOURS; limb++) {
            carry += place ? (uint64_t)fours_of_words[limb][place - 1] << 32 : 0;
            fours_of_words[limb][place] = (uint32_t)(carry % FOUR);
            carry /= FOUR;
        }
    }
}

static Outcome
base58_read(const Byte *text, size_t size, Output *out)
{
    Byte digits[4 * FOURS] = {0}, bytes[4 * WORDS], *byte = bytes + sizeof bytes, all = 0;
    uint32_t fours[FOURS];
    if (size > sizeof digits) {
        return UNUSUAL;
    }
    NEED(out, sizeof digits + sizeof bytes);
    for (; size > 0 && *text == '1'; text++, size--) {
        *out->at++ = 0;
    }
    for (size_t index = 0; index < size; index++) {
        Byte digit = base58.values[text[index]];
        digits[sizeof digits - size + index] = digit;
        all |= digit;
    }
    if (all > 63) { /* one is NO_DIGIT */
        return UNUSUAL;
    }
    int places = (int)(size + 3) / 4, limbs = places - places / 4; /* 58**4 < 2**24, three quarters of a word */
    for (int place = 0; place < places; place++) {
        const Byte *digit = digits + sizeof digits - 4 * (place + 1);
        fours[place] = (digit[0] * 58u + digit[1]) * 3364u + (digit[2] * 58u + digit[3]);
    }
    uint64_t sum = 0;
    for (int limb = 0; limb < limbs; limb++, sum >>= 32) {
        for (int place = limb; place < places; place++) { /* those below are worth less than this limb */
            sum += (uint64_t)fours[place] * words_of_fours[limb][place];
        }
        byte -= 4;
        byte[0] = (Byte)(sum >> 24);
        byte[1] = (Byte)(sum >> 16);
        byte[2] = (Byte)(sum >> 8);
        byte[3] = (Byte)sum;
    }
    while (byte < bytes + sizeof bytes && *byte == 0) {
        byte++;
    }
    output_put(out, byte, (size_t)(bytes + sizeof bytes - byte));
    return DONE;
}

static Outcome
base58_write(const Byte *raw, size_t size, Output *out)
{
    Byte padded[4 * WORDS] = {0}, digits[4 * WRITTEN_FOURS], *digit = digits + sizeof digits;
    const char *characters = base58.digits;
    uint32_t words[WORDS];
    if (size > sizeof padded) {
        return UNUSUAL;
    }
    NEED(out, sizeof padded + sizeof digits);
    for (; size > 0 && *raw == 0; raw++, size--) {
        *out->at++ = '1';
    }
    memcpy(padded + sizeof padded - size, raw, size);
    for (int place = 0; place < WORDS; place++) {
        const Byte *byte = padded + sizeof padded - 4 * (place + 1);
        words[place] = (uint32_t)byte[0] << 24 | (uint32_t)byte[1] << 16 | (uint32_t)byte[2] << 8 | byte[3];
    }
    int places = (int)(size + 3) / 4, limbs = (7 * places + 4) / 5; /* 2**32 < (58**4) ** (7/5) */
    uint64_t sum = 0;
    for (int limb = 0; limb < limbs; limb++, sum /= FOUR) {
        for (int place = 0; place < WORDS; place++) { /* all: the compiler does several at once */
            sum += (uint64_t)words[place] * fours_of_words[limb][place];
        }
        uint32_t four = (uint32_t)(sum % FOUR), high = four / 3364, low = four % 3364;
        digit -= 4;
        digit[0] = (Byte)characters[high / 58];
        digit[1] = (Byte)characters[high % 58];
        digit[2] = (Byte)characters[low / 58];
        digit[3] = (Byte)characters[low % 58];
    }
    while (digit < digits + sizeof digits && *digit == '1') {
        digit++;
    }
    output_put(out, digit, (size_t)(digits + sizeof digits - digit));
    return DONE;
}

#endif
