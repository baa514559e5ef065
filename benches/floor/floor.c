/* What a native call costs before it does anything, and what it costs to store a record to heap.
 *
 * Both types take their calls exactly as a logger does: METH_FASTCALL|METH_KEYWORDS on an object of
 * a native type. `Floor` returns at once. `Heap` reads the clock and copies message and fields with
 * tags behind a 32-byte header into a ring on the heap that nobody reads, so that a stall of its
 * calls can only be the machine's. */
#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include <stdint.h>
#include <string.h>
#include <time.h>

enum { RING = 4 << 20, HEADER = 32, LARGEST = 4096 };

typedef struct {
    PyObject_HEAD
    uint64_t head;
    unsigned char *ring;
} Heap;

static PyObject *floor_empty(PyObject *self, PyObject *const *args, Py_ssize_t count,
                             PyObject *names) {
    Py_RETURN_NONE;
}

static unsigned char *put_text(unsigned char *at, const unsigned char *end, PyObject *value) {
    Py_ssize_t length;
    const char *text = PyUnicode_AsUTF8AndSize(value, &length);
    if (text == NULL) {
        return NULL;
    }
    if (end - at < length + 4) {
        PyErr_SetString(PyExc_ValueError, "too large for the control");
        return NULL;
    }
    uint32_t stored = (uint32_t)length;
    memcpy(at, &stored, 4);
    memcpy(at + 4, text, (size_t)length);
    return at + 4 + length;
}

static unsigned char *put_value(unsigned char *at, const unsigned char *end, PyObject *value) {
    if (end - at < 16) {
        PyErr_SetString(PyExc_ValueError, "too large for the control");
        return NULL;
    }
    if (PyLong_CheckExact(value)) {
        int64_t number = PyLong_AsLongLong(value);
        if (number == -1 && PyErr_Occurred()) {
            return NULL;
        }
        *at = 3;
        memcpy(at + 1, &number, 8);
        return at + 9;
    }
    if (PyFloat_CheckExact(value)) {
        double number = PyFloat_AS_DOUBLE(value);
        *at = 4;
        memcpy(at + 1, &number, 8);
        return at + 9;
    }
    if (PyUnicode_CheckExact(value)) {
        *at = 5;
        return put_text(at + 1, end, value);
    }
    PyErr_SetString(PyExc_TypeError, "the control takes int, float and str");
    return NULL;
}

static PyObject *heap_store(PyObject *object, PyObject *const *args, Py_ssize_t count,
                            PyObject *names) {
    Heap *self = (Heap *)object;
    uint64_t offset = self->head % RING;
    if (offset > RING - LARGEST) {
        self->head += RING - offset;
        offset = 0;
    }
    unsigned char *start = self->ring + offset;
    const unsigned char *end = start + LARGEST;
    unsigned char *at = start + HEADER;
    struct timespec now;

    for (Py_ssize_t i = 0; i < count; i++) {
        at = i == 0 ? put_text(at, end, args[i]) : put_value(at, end, args[i]);
        if (at == NULL) {
            return NULL;
        }
    }
    Py_ssize_t fields = names == NULL ? 0 : PyTuple_GET_SIZE(names);
    for (Py_ssize_t i = 0; i < fields; i++) {
        at = put_value(at, end, args[count + i]);
        if (at == NULL) {
            return NULL;
        }
    }
    clock_gettime(CLOCK_REALTIME, &now);
    uint64_t stamp = (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
    uint64_t length = (uint64_t)(at - start);
    memcpy(start, &length, 8);
    memset(start + 8, 0, 8);
    memcpy(start + 16, &stamp, 8);
    memcpy(start + 24, &self->head, 8);
    /* The release store is part of what is compared: a reader of a real ring pairs with it. */
    __atomic_store_n(&self->head, self->head + ((length + 7) & ~(uint64_t)7), __ATOMIC_RELEASE);
    Py_RETURN_NONE;
}

static PyObject *heap_new(PyTypeObject *type, PyObject *args, PyObject *keywords) {
    Heap *self = (Heap *)type->tp_alloc(type, 0);
    if (self == NULL) {
        return NULL;
    }
    self->ring = malloc(RING);
    if (self->ring == NULL) {
        Py_DECREF(self);
        return PyErr_NoMemory();
    }
    /* Faulted in now, so that no call pays for a page. */
    memset(self->ring, 1, RING);
    return (PyObject *)self;
}

static void heap_dealloc(PyObject *object) {
    PyTypeObject *type = Py_TYPE(object);
    free(((Heap *)object)->ring);
    type->tp_free(object);
    Py_DECREF(type);
}

static PyMethodDef floor_methods[] = {
    {"debug", (PyCFunction)(void (*)(void))floor_empty, METH_FASTCALL | METH_KEYWORDS, NULL},
    {"info", (PyCFunction)(void (*)(void))floor_empty, METH_FASTCALL | METH_KEYWORDS, NULL},
    {NULL, NULL, 0, NULL},
};

static PyMethodDef heap_methods[] = {
    {"debug", (PyCFunction)(void (*)(void))floor_empty, METH_FASTCALL | METH_KEYWORDS, NULL},
    {"info", (PyCFunction)(void (*)(void))heap_store, METH_FASTCALL | METH_KEYWORDS, NULL},
    {NULL, NULL, 0, NULL},
};

static PyType_Slot floor_slots[] = {{Py_tp_methods, floor_methods}, {0, NULL}};
static PyType_Slot heap_slots[] = {
    {Py_tp_methods, heap_methods},
    {Py_tp_new, heap_new},
    {Py_tp_dealloc, heap_dealloc},
    {0, NULL},
};

static PyType_Spec floor_spec = {
    "bench_floor.Floor", sizeof(PyObject), 0, Py_TPFLAGS_DEFAULT, floor_slots,
};
static PyType_Spec heap_spec = {
    "bench_floor.Heap", sizeof(Heap), 0, Py_TPFLAGS_DEFAULT, heap_slots,
};

static int floor_exec(PyObject *module) {
    PyType_Spec *specs[] = {&floor_spec, &heap_spec};
    for (size_t i = 0; i < sizeof specs / sizeof *specs; i++) {
        PyObject *type = PyType_FromModuleAndSpec(module, specs[i], NULL);
        if (type == NULL || PyModule_AddType(module, (PyTypeObject *)type) < 0) {
            Py_XDECREF(type);
            return -1;
        }
        Py_DECREF(type);
    }
    return 0;
}

static PyModuleDef_Slot module_slots[] = {{Py_mod_exec, floor_exec}, {0, NULL}};
static struct PyModuleDef definition = {
    .m_base = PyModuleDef_HEAD_INIT,
    .m_name = "bench_floor",
    .m_slots = module_slots,
};

PyMODINIT_FUNC PyInit_bench_floor(void) { return PyModuleDef_Init(&definition); }
