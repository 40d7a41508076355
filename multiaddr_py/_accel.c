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
static void *owner;             /* the module, borrowed */
static PyTypeObject *base_type; /* borrowed from the module: a reference would keep both alive */
static PyObject *default_registry;
static PyTypeObject *plain_type;           /* a class whose objects hold nothing beyond an address; borrowed */
static PyObject *plain_reference;          /* a weak one to it */
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

/* Say whether objects of a class hold nothing beyond what an address holds; -1 with an exception set. */
static int
is_plain(PyTypeObject *type)
{
    static const char *const attributes[] = {"__basicsize__", "__dictoffset__"};
    const Py_ssize_t expected[] = {sizeof(Address), 0};
    int plain = 1;
    for (int index = 0; index < 2 && plain == 1; index++) {
        PyObject *number = PyObject_GetAttrString((PyObject *)type, attributes[index]);
        Py_ssize_t value = number == NULL ? -1 : PyLong_AsSsize_t(number);
        Py_XDECREF(number);
        plain = PyErr_Occurred() ? -1 : value == expected[index];
    }
    return plain;
}

static PyObject *
plain_type_gone(PyObject *Py_UNUSED(self), PyObject *Py_UNUSED(reference))
{
    plain_type = NULL;
    return Py_NewRef(Py_None);
}

/* Remember a class as one of which objects are plain, for as long as it lives. */
static int
remember_plain(PyTypeObject *type)
{
    static PyMethodDef gone = {"plain_type_gone", plain_type_gone, METH_O, NULL};
    PyObject *callback = PyCFunction_New(&gone, NULL);
    PyObject *reference = callback == NULL ? NULL : PyWeakref_NewRef((PyObject *)type, callback);
    Py_XDECREF(callback);
    if (reference == NULL) {
        return -1;
    }
    Py_XDECREF(plain_reference);
    plain_reference = reference;
    plain_type = type;
    return 0;
}

/* Keep the garbage collector from going over an address: where millions are held, that takes longer than reading them.
   What holds nothing but bytes and the default registry, which stays as long as its class, is in no cycle. */
static int
address_untrack(Address *self)
{
    if (TYPE_OF(self) != plain_type) {
        int plain = is_plain(TYPE_OF(self));
        if (plain != 1 || remember_plain(TYPE_OF(self)) < 0) {
            return plain == 0 ? 0 : -1;
        }
    }
    PyObject_GC_UnTrack(self);
    return 0;
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
    if (registry == default_registry && address_untrack(self) < 0) {
        Py_DECREF(self);
        return NULL;
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
    PyObject *self = NULL, *bytes;
    if (!PyTuple_Check(pair) || PyTuple_Size(pair) != 2 || !PyBytes_CheckExact(bytes = PyTuple_GetItem(pair, 0))) {
        PyErr_SetString(PyExc_TypeError, "_read returns bytes and a registry");
    }
    else {
        self = address_make(type, Py_NewRef(bytes), PyTuple_GetItem(pair, 1));
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
address_traverse(Address *self, visitproc visit, void *arg)
{
    Py_VISIT(TYPE_OF(self));
    Py_VISIT(self->registry);
    return 0;
}

static void
address_dealloc(Address *self)
{
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
address_hash(Address *self)
{
    return PyObject_Hash(self->bytes);
}

static PyObject *
address_richcompare(Address *self, PyObject *other, int operator)
{
    if (!Py_IS_TYPE(other, TYPE_OF(self))) {
        return Py_NewRef(Py_NotImplemented);
    }
    return PyObject_RichCompare(self->bytes, ((Address *)other)->bytes, operator);
}

static PyObject *
address_bytes(Address *self, PyObject *Py_UNUSED(nothing))
{
    return Py_NewRef(self->bytes);
}

static PyObject *
address_str(Address *self)
{
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
address_spans(Address *self, PyObject *Py_UNUSED(nothing))
{
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
address_first_text(Address *self, PyObject *key)
{
    const Protocol *protocol = NULL;
    PyObject *code = NULL, *text = NULL;
    if (self->registry == default_registry && PyUnicode_CheckExact(key)) {
        const Byte *name;
        size_t size;
        Outcome outcome = ascii_of(key, &name, &size);
        if (outcome == FAILED) {
            return NULL;
        }
        protocol = outcome == DONE ? protocol_named(name, size) : NULL;
    }
    if (protocol == NULL) {
        code = code_of_key(self->registry, key);
        if (code == NULL) {
            return NULL;
        }
        if (self->registry == default_registry) {
            protocol = protocol_of(PyLong_AsUnsignedLongLong(code));
        }
    }
    if (protocol != NULL) {
        size_t size;
        const Byte *raw = raw_of(self->bytes, &size);
        int found;
        Output out;
        output_begin(&out);
        Outcome outcome = first_text(raw, size, protocol, &out, &found);
        if (outcome == DONE) {
            text = found ? output_text(&out) : Py_NewRef(Py_None);
        }
        output_end(&out);
        if (outcome != UNUSUAL) {
            Py_XDECREF(code);
            return text;
        }
    }
    if (code != NULL || (code = code_of_key(self->registry, key)) != NULL) {
        text = PyObject_CallMethod(wire, "first_text", "OOO", self->bytes, self->registry, code);
        Py_DECREF(code);
    }
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
address_join(Address *self, PyObject *other)
{
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
address_before_last(Address *self, PyObject *other)
{
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
address_cut(Address *self, PyObject *const *args, Py_ssize_t count)
{
    Py_ssize_t start = count == 2 ? PyLong_AsSsize_t(args[0]) : -1, stop = count == 2 ? PyLong_AsSsize_t(args[1]) : -1;
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

#define METHOD(name, function, flags, signature)                                                                       \
    {name, (PyCFunction)(void (*)(void))(function), flags, name signature "\n--\n\n"}

static PyMethodDef address_methods[] = {
    METHOD("__bytes__", address_bytes, METH_NOARGS, "($self, /)"),
    METHOD("_make", address_make_method, METH_FASTCALL | METH_CLASS, "($type, raw, registry, /)"),
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
    base_type = NULL;
    owner = NULL;
    Py_CLEAR(default_registry);
    plain_type = NULL;
    Py_CLEAR(plain_reference);
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

/* Let a name stand for a protocol. */
static void
learn_name(const char *name, size_t size, const Protocol *protocol)
{
    unsigned slot = name_slot((const Byte *)name, size);
    name_count++;
    while (names[slot].protocol) {
        slot = (slot + 1) % NAME_SLOTS;
    }
    names[slot].protocol = protocol;
    names[slot].size = size;
    memcpy(names[slot].name, name, size);
}

/* Learn a protocol, if there is a codec for it here; or, of one that is known, another name. Return -1 with an
   exception set. */
static int
learn_row(PyObject *row, int alias)
{
    PyObject *fields = PyObject_CallMethod(row, "_fields", NULL), *codec_name = NULL;
    PyObject *number, *bits, *codec_object, *comment;
    const char *name, *wanted = NULL;
    const Codec *codec = NULL;
    unsigned long long code;
    size_t size = 0, name_size;
    int outcome = -1;
    if (fields == NULL || !PyArg_ParseTuple(fields, "OOsOO", &number, &bits, &name, &codec_object, &comment)) {
        goto end;
    }
    if (codec_object != Py_None) {
        codec_name = PyObject_GetAttrString(codec_object, "name");
        wanted = codec_name == NULL ? NULL : PyUnicode_AsUTF8AndSize(codec_name, NULL);
        if (wanted == NULL) {
            goto end;
        }
        codec = codec_named(wanted);
    }
    code = PyLong_AsUnsignedLongLong(number);
    if (bits != Py_None) {
        size = PyLong_AsSize_t(bits) / 8;
    }
    if (PyErr_Occurred()) {
        goto end;
    }
    outcome = 0;
    name_size = strlen(name);
    if ((codec == NULL ? wanted != NULL || size != 0 : codec->size != size) || name_size == 0 ||
        name_size > NAME_MOST_BYTES || (!alias && protocol_count == MOST_PROTOCOLS)) {
        goto end;
    }
    if (!alias) {
        Protocol *protocol = &protocols[protocol_count++];
        *protocol = (Protocol){.code = code, .number = Py_NewRef(number), .codec = codec, .size = size};
        protocol->prefix_size = (Byte)varint_write(protocol->prefix, code);
        protocol->text_size = (Byte)(1 + name_size + (codec != NULL));
        protocol->text[0] = protocol->text[1 + name_size] = '/';
        memcpy(protocol->text + 1, name, name_size);
        if (code < sizeof low_codes) {
            low_codes[code] = (Byte)protocol_count;
        }
    }
    if (protocol_of(code) != NULL && protocol_named((const Byte *)name, name_size) == NULL && name_count < MOST_NAMES) {
        learn_name(name, name_size, protocol_of(code));
    }
end:
    Py_XDECREF(codec_name);
    Py_XDECREF(fields);
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

static int
learn_rows(PyObject *rows, int alias)
{
    PyObject *tuple = PySequence_Tuple(rows);
    int outcome = tuple == NULL ? -1 : 0;
    for (Py_ssize_t index = 0; outcome == 0 && index < PyTuple_Size(tuple); index++) {
        outcome = learn_row(PyTuple_GetItem(tuple, index), alias);
    }
    Py_XDECREF(tuple);
    return outcome;
}

/* Learn the protocols of the default registry, then all names that its rows have. */
static int
learn_registry(void)
{
    PyObject *rows = PyObject_GetAttrString(default_registry, "rows");
    if (rows == NULL) {
        return -1;
    }
    int outcome = learn_rows(default_registry, 0);
    if (outcome == 0) {
        outcome = learn_rows(rows, 1);
    }
    Py_DECREF(rows);
    return outcome;
}

static int
module_exec(PyObject *module)
{
    if (owner != NULL) {
        PyErr_SetString(PyExc_ImportError, "multiaddr_py._accel is loaded once in a process");
        return -1;
    }
    owner = module;
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
    if (module == owner) {
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
