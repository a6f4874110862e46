/* Loads a SavedModel with TensorFlow's C library and answers requests: the way TensorFlow Serving takes, without Python.

   Usage: serving FOLDER < requests > answers. All numbers are native int64; a text is its length, then its bytes.
   A request: number of inputs, each (name, dtype, rank, dims, values), where values are the bytes of the tensor or, of
   a string tensor, the texts; number of outputs, each a name as in the signature, "operation:index".
   An answer: status code; if 0, for each output dtype, rank, dims, bytes; else the message. */

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tensorflow/c/c_api.h"
#include "tensorflow/c/tf_tstring.h"

enum { MOST = 8 };

static int64_t get_number(void) {
  int64_t number;
  if (fread(&number, sizeof number, 1, stdin) != 1) exit(feof(stdin) ? 0 : 2);
  return number;
}

static char *get_text(int64_t *length) {
  *length = get_number();
  char *text = malloc(*length + 1);
  if (fread(text, 1, *length, stdin) != (size_t)*length) exit(2);
  text[*length] = 0;
  return text;
}

static void put_number(int64_t number) { fwrite(&number, sizeof number, 1, stdout); }

static void put_text(const void *bytes, int64_t length) {
  put_number(length);
  fwrite(bytes, 1, length, stdout);
}

static TF_Output get_name(TF_Graph *graph) {
  int64_t length;
  char *name = get_text(&length), *colon = strrchr(name, ':');
  if (colon == NULL) exit(3);
  *colon = 0;
  TF_Output found = {TF_GraphOperationByName(graph, name), atoi(colon + 1)};
  if (found.oper == NULL) exit(4);
  free(name);
  return found;
}

static TF_Tensor *get_tensor(void) {
  TF_DataType dtype = (TF_DataType)get_number();
  int64_t dims[MOST], count = 1;
  int rank = (int)get_number();
  for (int axis = 0; axis < rank; axis++) count *= dims[axis] = get_number();
  size_t size = dtype == TF_STRING ? sizeof(TF_TString) : TF_DataTypeSize(dtype);
  TF_Tensor *tensor = TF_AllocateTensor(dtype, dims, rank, count * size);
  if (dtype != TF_STRING) {
    if (fread(TF_TensorData(tensor), size, count, stdin) != (size_t)count) exit(2);
    return tensor;
  }
  TF_TString *strings = TF_TensorData(tensor);
  for (int64_t index = 0; index < count; index++) {
    int64_t length;
    char *text = get_text(&length);
    TF_StringInit(&strings[index]);
    TF_StringCopy(&strings[index], text, length);
    free(text);
  }
  return tensor;
}

static void put_tensor(TF_Tensor *tensor) {
  put_number(TF_TensorType(tensor));
  put_number(TF_NumDims(tensor));
  for (int axis = 0; axis < TF_NumDims(tensor); axis++) put_number(TF_Dim(tensor, axis));
  if (TF_TensorType(tensor) != TF_STRING) {
    put_text(TF_TensorData(tensor), TF_TensorByteSize(tensor));
    return;
  }
  TF_TString *strings = TF_TensorData(tensor);
  for (int64_t index = 0; index < TF_TensorElementCount(tensor); index++)
    put_text(TF_StringGetDataPointer(&strings[index]), TF_StringGetSize(&strings[index]));
}

int main(int argc, char **argv) {
  if (argc != 2) return 1;
  TF_Status *status = TF_NewStatus();
  TF_Graph *graph = TF_NewGraph();
  TF_SessionOptions *options = TF_NewSessionOptions();
  // A ConfigProto, graph_options.rewrite_options.disable_meta_optimizer: for each signature TensorFlow would take a
  // second to rewrite the graph, which it then runs a few times.
  TF_SetConfig(options, "\x52\x05\x52\x03\x98\x01\x01", 7, status);
  const char *tags[] = {"serve"};
  TF_Session *session = TF_LoadSessionFromSavedModel(options, NULL, argv[1], tags, 1, graph, NULL, status);
  if (TF_GetCode(status) != TF_OK) {
    fprintf(stderr, "%s\n", TF_Message(status));
    return 1;
  }
  for (;;) {
    TF_Output inputs[MOST], outputs[MOST];
    TF_Tensor *fed[MOST], *fetched[MOST];
    int num_inputs = (int)get_number();
    for (int index = 0; index < num_inputs; index++) {
      inputs[index] = get_name(graph);
      fed[index] = get_tensor();
    }
    int num_outputs = (int)get_number();
    for (int index = 0; index < num_outputs; index++) outputs[index] = get_name(graph);
    TF_SessionRun(session, NULL, inputs, fed, num_inputs, outputs, fetched, num_outputs, NULL, 0, NULL, status);
    put_number(TF_GetCode(status));
    if (TF_GetCode(status) != TF_OK) put_text(TF_Message(status), strlen(TF_Message(status)));
    for (int index = 0; TF_GetCode(status) == TF_OK && index < num_outputs; index++) {
      put_tensor(fetched[index]);
      TF_DeleteTensor(fetched[index]);
    }
    for (int index = 0; index < num_inputs; index++) TF_DeleteTensor(fed[index]);
    fflush(stdout);
  }
}
