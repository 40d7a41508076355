/* The type that holds an address's bytes, in C: `_base.Base` once more, with the same behaviour.

   It covers the default registry and what is usual there. Whatever is not (another registry, text beyond ASCII,
   a peer ID in multibase, anything wrong) goes to the Python code, which does it and raises the errors:
   making an object to the class's own `_read`, everything else to `_wire`.
   So a function here may give up wherever it likes, but never accept what Python refuses or read it otherwise.

   Protocols come from the default registry, when the module is loaded. CPython's limited API, standard C11.
*/

#include "_accel_wire.h"

#include <stddef.h>
#include <structmember.h>

/* The type. */

typedef struct {
    PyObject head;
    PyObject *bytes;
    PyObject *registry;
} Address;

#define TYPE_OF(self) Py_TYPE(&(self)->head)

/* What Python has, from when the module is loaded until it is freed. */
static void *loaded_module;     /* borrowed */
static PyTypeObject *base_type; /* borrowed from the module: a reference would keep both alive */
static PyObject *default_registry;
static PyTypeObject *untracked_type;       /* borrowed */
static PyObject *wire;                     /* the module */
static PyObject *name_read, *name_operand; /* what a subclass gives */

static const Byte *
raw_of(PyObject *bytes, size_t *size)
{
    *size = (size_t)PyBytes_Size(bytes);
    return (const Byte *)PyBytes_AsString(bytes);
}

static PyObject *
output_bytes(const Output *out)
{
    return PyBytes_FromStringAndSize((const char *)out->start, (Py_ssize_t)output_size(out));
}

static PyObject *
output_text(const Output *out)
{
    return PyUnicode_FromStringAndSize((const char *)out->start, (Py_ssize_t)output_size(out));
}

/* Make an address of checked bytes, whose reference it takes; bytes may be NULL, with an exception set. */
static PyObject *
address_make(PyTypeObject *type, PyObject *bytes, PyObject *registry)
{
    if (bytes == NULL) {
        return NULL;
    }
    Address *self = (Address *)PyType_GenericAlloc(type, 0);
    if (self == NULL) {
        Py_DECREF(bytes);
        return NULL;
    }
    self->bytes = bytes;
    self->registry = Py_NewRef(registry);
    if (type == untracked_type && registry == default_registry) {
        PyObject_GC_UnTrack(self);
    }
    return (PyObject *)self;
}

static PyObject *
address_read_by_class(PyTypeObject *type, PyObject *address, PyObject *registry)
{
    PyObject *pair = PyObject_CallMethodObjArgs((PyObject *)type, name_read, address, registry, NULL);
    if (pair == NULL) {
        return NULL;
    }
    PyObject *self = NULL;
    PyObject *bytes = PyTuple_Check(pair) && PyTuple_Size(pair) == 2 ? PyTuple_GetItem(pair, 0) : NULL;
    if (bytes != NULL && PyBytes_CheckExact(bytes)) {
        self = address_make(type, Py_NewRef(bytes), PyTuple_GetItem(pair, 1));
    }
    else {
        PyErr_SetString(PyExc_TypeError, "_read returns bytes and a registry");
    }
    Py_DECREF(pair);
    return self;
}

/* Find the characters of a text that is ASCII. */
static Outcome
ascii_of(PyObject *text, const Byte **ascii, size_t *size)
{
    Py_ssize_t bytes;
    *ascii = (const Byte *)PyUnicode_AsUTF8AndSize(text, &bytes);
    if (*ascii == NULL) {
        if (!PyErr_ExceptionMatches(PyExc_UnicodeEncodeError)) {
            return FAILED;
        }
        PyErr_Clear(); /* a lone surrogate */
        return UNUSUAL;
    }
    *size = (size_t)bytes;
    return bytes == PyUnicode_GetLength(text) ? DONE : UNUSUAL;
}

/* Read a text under the default registry. */
static Outcome
text_read(PyObject *text, Output *out)
{
    const Byte *ascii;
    size_t size;
    Outcome outcome = ascii_of(text, &ascii, &size);
    return outcome == DONE ? text_to_bytes(ascii, size, out) : outcome;
}

static PyObject *
address_new(PyTypeObject *type, PyObject *args, PyObject *options)
{
    PyObject *address, *registry = Py_None;
    if (options == NULL && PyTuple_Size(args) == 1) {
        address = PyTuple_GetItem(args, 0);
    }
    else {
        static char *keywords[] = {"", "registry", NULL};
        address = NULL;
        if (!PyArg_ParseTupleAndKeywords(args, options, "|O$O:Multiaddr", keywords, &address, &registry)) {
            return NULL;
        }
    }
    if (address == NULL) {
        PyObject *nothing = PyTuple_New(0);
        PyObject *self = nothing == NULL ? NULL : address_read_by_class(type, nothing, registry);
        Py_XDECREF(nothing);
        return self;
    }
    if (registry == Py_None || registry == default_registry) {
        if (PyUnicode_CheckExact(address)) {
            PyObject *self = NULL;
            Output out;
            output_begin(&out);
            Outcome outcome = text_read(address, &out);
            if (outcome == DONE) {
                self = address_make(type, output_bytes(&out), default_registry);
            }
            output_end(&out);
            if (outcome != UNUSUAL) {
                return self;
            }
        }
        else if (PyBytes_CheckExact(address)) {
            size_t size;
            const Byte *raw = raw_of(address, &size);
            if (check_bytes(raw, size) == DONE) {
                return address_make(type, Py_NewRef(address), default_registry);
            }
        }
        else if (Py_IS_TYPE(address, type) && ((Address *)address)->registry == default_registry) {
            return address_make(type, Py_NewRef(((Address *)address)->bytes), default_registry);
        }
    }
    return address_read_by_class(type, address, registry);
}

static int
address_traverse(PyObject *object, visitproc visit, void *arg)
{
    Address *self = (Address *)object;
    Py_VISIT(TYPE_OF(self));
    Py_VISIT(self->registry);
    return 0;
}

static void
address_dealloc(PyObject *object)
{
    Address *self = (Address *)object;
    PyTypeObject *type = TYPE_OF(self);
    PyObject_GC_UnTrack(self);
    Py_XDECREF(self->bytes);
    Py_XDECREF(self->registry);
    PyObject_GC_Del(self);
    Py_DECREF(type);
}

static int
address_setattro(PyObject *self, PyObject *name, PyObject *value)
{
    PyObject *type_name = PyType_GetName(Py_TYPE(self));
    if (type_name != NULL) {
        PyErr_Format(PyExc_AttributeError, "%U is immutable: %R cannot be %s", type_name, name,
                     value == NULL ? "deleted" : "set");
        Py_DECREF(type_name);
    }
    return -1;
}

static Py_hash_t
address_hash(PyObject *object)
{
    Address *self = (Address *)object;
    return PyObject_Hash(self->bytes);
}

static PyObject *
address_richcompare(PyObject *object, PyObject *other, int operator)
{
    Address *self = (Address *)object;
    if (!Py_IS_TYPE(other, TYPE_OF(self))) {
        return Py_NewRef(Py_NotImplemented);
    }
    return PyObject_RichCompare(self->bytes, ((Address *)other)->bytes, operator);
}

static PyObject *
address_bytes(PyObject *object, PyObject *Py_UNUSED(nothing))
{
    Address *self = (Address *)object;
    return Py_NewRef(self->bytes);
}

static PyObject *
address_str(PyObject *object)
{
    Address *self = (Address *)object;
    if (self->registry == default_registry) {
        size_t size;
        const Byte *raw = raw_of(self->bytes, &size);
        PyObject *text = NULL;
        Output out;
        output_begin(&out);
        Outcome outcome = bytes_to_text(raw, size, &out);
        if (outcome == DONE) {
            text = output_text(&out);
        }
        output_end(&out);
        if (outcome != UNUSUAL) {
            return text;
        }
    }
    return PyObject_CallMethod(wire, "bytes_to_text", "OO", self->bytes, self->registry);
}

static PyObject *
span_tuple(const Byte *raw, const Span *span)
{
    PyObject *tuple = PyTuple_New(4);
    if (tuple == NULL) {
        return NULL;
    }
    PyTuple_SetItem(tuple, 0, Py_NewRef(span->protocol->number));
    const Byte *places[] = {span->start, span->value, span->stop};
    for (int index = 0; index < 3; index++) {
        PyObject *place = PyLong_FromSsize_t(places[index] - raw);
        if (place == NULL) {
            Py_DECREF(tuple);
            return NULL;
        }
        PyTuple_SetItem(tuple, 1 + index, place);
    }
    return tuple;
}

static PyObject *
address_spans(PyObject *object, PyObject *Py_UNUSED(nothing))
{
    Address *self = (Address *)object;
    size_t size;
    const Byte *raw = raw_of(self->bytes, &size), *end = raw + size;
    PyObject *list = self->registry == default_registry ? PyList_New(0) : NULL;
    if (list == NULL && PyErr_Occurred()) {
        return NULL;
    }
    Span span = {.stop = raw};
    while (list != NULL && span.stop < end) {
        if (frame(span.stop, end, &span) != DONE) {
            Py_CLEAR(list);
            break;
        }
        PyObject *tuple = span_tuple(raw, &span);
        if (tuple == NULL || PyList_Append(list, tuple) < 0) {
            Py_XDECREF(tuple);
            Py_DECREF(list);
            return NULL;
        }
        Py_DECREF(tuple);
    }
    return list != NULL ? list : PyObject_CallMethod(wire, "spans", "OO", self->bytes, self->registry);
}

/* Write the first value of a protocol; `found` says whether it occurs. */
static Outcome
first_text(const Byte *raw, size_t size, const Protocol *protocol, Output *out, int *found)
{
    const Byte *end = raw + size;
    Span span;
    *found = 0;
    for (; raw < end; raw = span.stop) {
        if (frame(raw, end, &span) != DONE) {
            return UNUSUAL;
        }
        if (span.protocol == protocol) {
            *found = 1;
            return protocol->codec ? protocol->codec->write(span.value, (size_t)(span.stop - span.value), out) : DONE;
        }
    }
    return DONE;
}

/* Look a protocol up by whatever names one; return its code. */
static PyObject *
code_of_key(PyObject *registry, PyObject *key)
{
    PyObject *protocol = PyObject_GetItem(registry, key);
    if (protocol == NULL) {
        return NULL;
    }
    PyObject *code = PyObject_GetAttrString(protocol, "code");
    Py_DECREF(protocol);
    return code;
}

static PyObject *
address_first_text(PyObject *object, PyObject *key)
{
    Address *self = (Address *)object;
    int usual = self->registry == default_registry;
    const Protocol *protocol = NULL;
    if (usual && PyUnicode_CheckExact(key)) {
        const Byte *name;
        size_t size;
        Outcome outcome = ascii_of(key, &name, &size);
        if (outcome == FAILED) {
            return NULL;
        }
        protocol = outcome == DONE ? protocol_named(name, size) : NULL;
    }
    PyObject *code = protocol != NULL ? Py_NewRef(protocol->number) : code_of_key(self->registry, key);
    if (code == NULL) {
        return NULL;
    }
    if (usual && protocol == NULL) {
        protocol = protocol_of(PyLong_AsUnsignedLongLong(code));
    }
    PyObject *text = NULL;
    Outcome outcome = UNUSUAL;
    if (protocol != NULL) {
        size_t size;
        const Byte *raw = raw_of(self->bytes, &size);
        int found;
        Output out;
        output_begin(&out);
        outcome = first_text(raw, size, protocol, &out, &found);
        if (outcome == DONE) {
            text = found ? output_text(&out) : Py_NewRef(Py_None);
        }
        output_end(&out);
    }
    if (outcome == UNUSUAL) {
        text = PyObject_CallMethod(wire, "first_text", "OOO", self->bytes, self->registry, code);
    }
    Py_DECREF(code);
    return text;
}

/* What stands beside an address in an operation: the bytes of another one, or those of a text. */
typedef struct {
    const Byte *raw;
    size_t size;
    PyObject *owner; /* of the bytes, if they had to be made */
    Output text;
} Operand;

/* Read an operand under the registry of `self`; return -1 with an exception set. */
static int
operand_begin(Operand *operand, Address *self, PyObject *other)
{
    operand->owner = NULL;
    output_begin(&operand->text);
    if (Py_IS_TYPE(other, TYPE_OF(self)) && ((Address *)other)->registry == self->registry) {
        operand->raw = raw_of(((Address *)other)->bytes, &operand->size);
        return 0;
    }
    if (self->registry == default_registry && PyUnicode_CheckExact(other)) {
        Outcome outcome = text_read(other, &operand->text);
        if (outcome != UNUSUAL) {
            operand->raw = operand->text.start;
            operand->size = output_size(&operand->text);
            return outcome == DONE ? 0 : -1;
        }
    }
    PyObject *address = PyObject_CallMethodObjArgs((PyObject *)self, name_operand, other, NULL);
    if (address == NULL) {
        return -1;
    }
    if (!PyObject_TypeCheck(address, base_type)) {
        PyErr_SetString(PyExc_TypeError, "_operand returns an address");
        Py_DECREF(address);
        return -1;
    }
    operand->owner = address;
    operand->raw = raw_of(((Address *)address)->bytes, &operand->size);
    return 0;
}

static void
operand_end(Operand *operand)
{
    output_end(&operand->text);
    Py_XDECREF(operand->owner);
}

static PyObject *
address_join(PyObject *object, PyObject *other)
{
    Address *self = (Address *)object;
    Operand right;
    PyObject *joined = NULL;
    if (operand_begin(&right, self, other) == 0) {
        size_t size;
        const Byte *raw = raw_of(self->bytes, &size);
        if (right.size > PY_SSIZE_T_MAX - size) {
            PyErr_NoMemory();
        }
        else {
            PyObject *bytes = PyBytes_FromStringAndSize(NULL, (Py_ssize_t)(size + right.size));
            if (bytes != NULL) {
                memcpy(PyBytes_AsString(bytes), raw, size);
                memcpy(PyBytes_AsString(bytes) + size, right.raw, right.size);
            }
            joined = address_make(TYPE_OF(self), bytes, self->registry);
        }
    }
    operand_end(&right);
    return joined;
}

/* Return the bytes between two places that are ends of components. */
static PyObject *
cut(Address *self, Py_ssize_t start, Py_ssize_t stop)
{
    PyObject *bytes = start == 0 && stop == PyBytes_Size(self->bytes)
                          ? Py_NewRef(self->bytes)
                          : PyBytes_FromStringAndSize(PyBytes_AsString(self->bytes) + start, stop - start);
    return address_make(TYPE_OF(self), bytes, self->registry);
}

/* Up to here comparing at every component is quick, whatever they are; beyond it might take quadratic time. */
#define COMPARED_BYTES (1 << 20)

/* Find where the last occurrence of the components of an operand begins; -1: there is none. */
static Outcome
last_place(const Byte *raw, size_t size, const Operand *part, Py_ssize_t *place)
{
    const Byte *end = raw + size;
    Span span = {.stop = raw};
    *place = -1;
    if (part->size == 0 || part->size > size) {
        return DONE;
    }
    if (size > COMPARED_BYTES / part->size) {
        return UNUSUAL;
    }
    while (part->size <= (size_t)(end - span.stop)) {
        /* Components end where their bytes say: where one begins, equal bytes are equal components. */
        if (memcmp(span.stop, part->raw, part->size) == 0) {
            *place = span.stop - raw;
        }
        if (frame(span.stop, end, &span) != DONE) {
            return UNUSUAL;
        }
    }
    return DONE;
}

static PyObject *
address_before_last(PyObject *object, PyObject *other)
{
    Address *self = (Address *)object;
    Operand part;
    PyObject *before = NULL;
    if (operand_begin(&part, self, other) == 0) {
        size_t size;
        const Byte *raw = raw_of(self->bytes, &size);
        Py_ssize_t place;
        if (self->registry != default_registry || last_place(raw, size, &part, &place) != DONE) {
            PyObject *found = PyObject_CallMethod(wire, "last_place", "Oy#O", self->bytes, part.raw,
                                                  (Py_ssize_t)part.size, self->registry);
            place = found == NULL ? -1 : PyLong_AsSsize_t(found);
            Py_XDECREF(found);
        }
        if (place >= 0 && place <= (Py_ssize_t)size) {
            before = cut(self, 0, place);
        }
        else if (!PyErr_Occurred()) {
            before = Py_NewRef((PyObject *)self);
        }
    }
    operand_end(&part);
    return before;
}

static PyObject *
address_cut(PyObject *object, PyObject *const *args, Py_ssize_t count)
{
    Address *self = (Address *)object;
    Py_ssize_t start = count == 2 ? PyLong_AsSsize_t(args[0]) : -1;
    Py_ssize_t stop = count == 2 && !PyErr_Occurred() ? PyLong_AsSsize_t(args[1]) : -1;
    if (PyErr_Occurred()) {
        return NULL;
    }
    if (start < 0 || start > stop || stop > PyBytes_Size(self->bytes)) {
        PyErr_SetString(PyExc_ValueError, "an address is cut between two places in it");
        return NULL;
    }
    return cut(self, start, stop);
}

static PyObject *
address_make_method(PyObject *type, PyObject *const *args, Py_ssize_t count)
{
    if (count != 2 || !PyBytes_CheckExact(args[0])) {
        PyErr_SetString(PyExc_TypeError, "an address is made of bytes and a registry");
        return NULL;
    }
    return address_make((PyTypeObject *)type, Py_NewRef(args[0]), args[1]);
}

/* Keep the garbage collector from going over the objects of a class that are of the default registry: where millions
   are held, that takes longer than reading them. In return the class is never collected while one of them hangs on it.
 */
static PyObject *
address_untrack(PyObject *type, PyObject *Py_UNUSED(nothing))
{
    untracked_type = (PyTypeObject *)type;
    return Py_NewRef(Py_None);
}

#define METHOD(name, function, flags, signature)                                                                       \
    {name, (PyCFunction)(void (*)(void))(function), flags, name signature "\n--\n\n"}

static PyMethodDef address_methods[] = {
    METHOD("__bytes__", address_bytes, METH_NOARGS, "($self, /)"),
    METHOD("_make", address_make_method, METH_FASTCALL | METH_CLASS, "($type, raw, registry, /)"),
    METHOD("_untrack", address_untrack, METH_NOARGS | METH_CLASS, "($type, /)"),
    METHOD("_spans", address_spans, METH_NOARGS, "($self, /)"),
    METHOD("_first_text", address_first_text, METH_O, "($self, protocol, /)"),
    METHOD("_join", address_join, METH_O, "($self, other, /)"),
    METHOD("_before_last", address_before_last, METH_O, "($self, other, /)"),
    METHOD("_cut", address_cut, METH_FASTCALL, "($self, start, stop, /)"),
    {0},
};

static PyMemberDef address_members[] = {
    {"_bytes", T_OBJECT_EX, offsetof(Address, bytes), READONLY, NULL},
    {"registry", T_OBJECT_EX, offsetof(Address, registry), READONLY, NULL},
    {0},
};

static PyType_Slot address_slots[] = {
    {Py_tp_doc, "Base(address=(), /, *, registry=None)\n--\n\nThe canonical bytes of an address, and the registry "
                "under which they were read."},
    {Py_tp_new, address_new},
    {Py_tp_traverse, address_traverse},
    {Py_tp_dealloc, address_dealloc},
    {Py_tp_setattro, address_setattro},
    {Py_tp_hash, address_hash},
    {Py_tp_richcompare, address_richcompare},
    {Py_tp_str, address_str},
    {Py_tp_methods, address_methods},
    {Py_tp_members, address_members},
    {0, NULL},
};

static PyType_Spec address_spec = {
    .name = "multiaddr_py._accel.Base",
    .basicsize = sizeof(Address),
    /* Immutable, since otherwise whoever sets an attribute of the base changes every address. */
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_IMMUTABLETYPE,
    .slots = address_slots,
};

/* The module: one in a process, since protocols and Python's objects are held in static variables. */

static void
forget(void)
{
    for (int index = 0; index < protocol_count; index++) {
        Py_CLEAR(protocols[index].number);
    }
    protocol_count = name_count = 0;
    memset(names, 0, sizeof names);
    memset(low_codes, 0, sizeof low_codes);
    loaded_module = NULL;
    base_type = untracked_type = NULL;
    Py_CLEAR(default_registry);
    Py_CLEAR(wire);
    Py_CLEAR(name_read);
    Py_CLEAR(name_operand);
}

static const Codec *
codec_named(const char *name)
{
    for (size_t index = 0; index < sizeof codecs / sizeof codecs[0]; index++) {
        if (strcmp(codecs[index].name, name) == 0) {
            return &codecs[index];
        }
    }
    return NULL;
}

/* What a row of the registry says. */
typedef struct {
    PyObject *number; /* borrowed from the row's fields */
    uint64_t code;
    size_t size; /* in bytes; 0: no value, or its length in front */
    const char *name;
    size_t name_size;
    const Codec *codec;
    int known; /* whether all of it can be done here */
} Row;

/* Read a row's fields, which are `code, size, name, codec, comment`; return -1 with an exception set. */
static int
row_read(PyObject *fields, Row *row)
{
    PyObject *bits, *codec, *comment;
    memset(row, 0, sizeof *row);
    if (!PyArg_ParseTuple(fields, "OOsOO", &row->number, &bits, &row->name, &codec, &comment)) {
        return -1;
    }
    if (codec != Py_None) {
        PyObject *name = PyObject_GetAttrString(codec, "name");
        const char *utf8 = name == NULL ? NULL : PyUnicode_AsUTF8AndSize(name, NULL);
        row->codec = utf8 == NULL ? NULL : codec_named(utf8);
        Py_XDECREF(name);
        if (utf8 == NULL) {
            return -1;
        }
    }
    row->code = PyLong_AsUnsignedLongLong(row->number);
    if (!PyErr_Occurred() && bits != Py_None) {
        row->size = PyLong_AsSize_t(bits) / 8;
    }
    row->name_size = strlen(row->name);
    int fits = row->codec != NULL ? row->codec->size == row->size : codec == Py_None && row->size == 0;
    row->known = fits && row->name_size > 0 && row->name_size <= NAME_MOST_BYTES;
    return PyErr_Occurred() ? -1 : 0;
}

static void
learn_protocol(const Row *row)
{
    if (protocol_count == MOST_PROTOCOLS) {
        return;
    }
    Protocol *protocol = &protocols[protocol_count++];
    *protocol = (Protocol){.code = row->code, .number = Py_NewRef(row->number), .codec = row->codec, .size = row->size};
    protocol->prefix_size = (Byte)varint_write(protocol->prefix, row->code);
    protocol->text_size = (Byte)(1 + row->name_size + (row->codec != NULL));
    protocol->text[0] = protocol->text[1 + row->name_size] = '/';
    memcpy(protocol->text + 1, row->name, row->name_size);
    if (row->code < sizeof low_codes) {
        low_codes[row->code] = (Byte)protocol_count;
    }
}

/* Let a row's name stand for the protocol of its code. */
static void
learn_name(const Row *row)
{
    const Byte *name = (const Byte *)row->name;
    const Protocol *protocol = protocol_of(row->code);
    if (protocol == NULL || protocol_named(name, row->name_size) != NULL || name_count == MOST_NAMES) {
        return;
    }
    unsigned slot = name_slot(name, row->name_size);
    while (names[slot].protocol) {
        slot = (slot + 1) % NAME_SLOTS;
    }
    name_count++;
    names[slot].protocol = protocol;
    names[slot].size = row->name_size;
    memcpy(names[slot].name, name, row->name_size);
}

/* Do something with each row; return -1 with an exception set. */
static int
learn_rows(PyObject *rows, void (*learn)(const Row *row))
{
    PyObject *tuple = PySequence_Tuple(rows);
    int outcome = tuple == NULL ? -1 : 0;
    for (Py_ssize_t index = 0; outcome == 0 && index < PyTuple_Size(tuple); index++) {
        Row row;
        PyObject *fields = PyObject_CallMethod(PyTuple_GetItem(tuple, index), "_fields", NULL);
        outcome = fields == NULL ? -1 : row_read(fields, &row);
        if (outcome == 0 && row.known) {
            learn(&row);
        }
        Py_XDECREF(fields);
    }
    Py_XDECREF(tuple);
    return outcome;
}

/* Import a module, or with `name` an attribute of it. */
static PyObject *
import(const char *module_name, const char *name)
{
    PyObject *module = PyImport_ImportModule(module_name);
    if (module == NULL || name == NULL) {
        return module;
    }
    PyObject *attribute = PyObject_GetAttrString(module, name);
    Py_DECREF(module);
    return attribute;
}

/* Learn the protocols of the default registry, then all names that its rows have for them. */
static int
learn_registry(void)
{
    PyObject *rows = PyObject_GetAttrString(default_registry, "rows");
    if (rows == NULL) {
        return -1;
    }
    int outcome = learn_rows(default_registry, learn_protocol);
    if (outcome == 0) {
        outcome = learn_rows(rows, learn_name);
    }
    Py_DECREF(rows);
    return outcome;
}

static int
module_exec(PyObject *module)
{
    if (loaded_module != NULL) {
        PyErr_SetString(PyExc_ImportError, "multiaddr_py._accel is loaded once in a process");
        return -1;
    }
    loaded_module = module;
    Alphabet *alphabets[] = {&base16, &base32, &base58, &base64url, &base64i2p};
    for (size_t index = 0; index < sizeof alphabets / sizeof alphabets[0]; index++) {
        alphabet_prepare(alphabets[index]);
    }
    base58_prepare();
    if ((wire = import("multiaddr_py._wire", NULL)) == NULL ||
        (default_registry = import("multiaddr_py.registry", "REGISTRY")) == NULL || learn_registry() < 0 ||
        (name_read = PyUnicode_InternFromString("_read")) == NULL ||
        (name_operand = PyUnicode_InternFromString("_operand")) == NULL ||
        (base_type = (PyTypeObject *)PyType_FromModuleAndSpec(module, &address_spec, NULL)) == NULL) {
        forget();
        return -1;
    }
    int added = PyModule_AddType(module, base_type);
    Py_DECREF(base_type);
    if (added < 0) {
        forget();
    }
    return added;
}

static void
module_free(void *module)
{
    if (module == loaded_module) {
        forget();
    }
}

static PyModuleDef_Slot module_slots[] = {
    {Py_mod_exec, module_exec},
    {0, NULL},
};

/* clang-format off */
static struct PyModuleDef module_definition = {
    PyModuleDef_HEAD_INIT,
    .m_name = "multiaddr_py._accel",
    .m_doc = "The type that holds an address's bytes, in C.",
    .m_slots = module_slots,
    .m_free = module_free,
};
/* clang-format on */

PyMODINIT_FUNC
PyInit__accel(void)
{
    return PyModuleDef_Init(&module_definition);
}
