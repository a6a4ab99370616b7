// Streams, events and graphs of the emulated driver.
#include <algorithm>
#include <chrono>
#include <memory>

#include "cuda/emulator/driver.h"

namespace dsnk::cuda {

struct EventObject {
  Stream stream = nullptr;
  bool recorded = false, reached = true;
  std::chrono::steady_clock::time_point at;
};

namespace {
StreamObject* queueOf(Stream stream) {
  if (!stream) return &driver().defaultStream;
  const auto& all = driver().streams;
  return std::find(all.begin(), all.end(), stream) == all.end() ? nullptr : stream;
}
}  // namespace

bool capturing(Stream stream) {
  const StreamObject* queue = queueOf(stream);
  return queue && queue->capture;
}

Result enqueue(Stream stream, Operation operation) {
  StreamObject* queue = queueOf(stream);
  if (!queue) return kInvalidHandle;
  if (queue->capture) {
    queue->capture->operations.push_back(std::move(operation));
  } else {
    queue->waiting.push_back(std::move(operation));
  }
  return kSuccess;
}

Result drain(Stream stream) {
  StreamObject* queue = queueOf(stream);
  if (!queue) return kInvalidHandle;
  while (!queue->waiting.empty() && !driver().lost) {
    const Operation operation = std::move(queue->waiting.front());
    queue->waiting.pop_front();
    operation();
  }
  return driver().lost;
}

Result drainAll() {
  Result result = drain(nullptr);
  for (StreamObject* stream : driver().streams) {
    if (const Result came = drain(stream)) result = came;
  }
  return result;
}

}  // namespace dsnk::cuda

using namespace dsnk::cuda;

#define DSNK_EXPORT extern "C" __attribute__((visibility("default")))

DSNK_EXPORT Result cuCtxSynchronize() {
  const Call call;
  return call.refused ? call.refused : drainAll();
}

DSNK_EXPORT Result cuStreamCreate(Stream* stream, unsigned) {
  const Call call;
  if (call.refused) return call.refused;
  *stream = new StreamObject;
  driver().streams.push_back(*stream);
  return kSuccess;
}

// What waits in it is still done.
DSNK_EXPORT Result cuStreamDestroy_v2(Stream stream) {
  const Call call;
  if (call.refused) return call.refused;
  if (!stream || !queueOf(stream)) return kInvalidHandle;
  const Result result = drain(stream);
  auto& all = driver().streams;
  all.erase(std::find(all.begin(), all.end(), stream));
  delete stream;
  return result;
}

DSNK_EXPORT Result cuStreamSynchronize(Stream stream) {
  const Call call;
  if (call.refused) return call.refused;
  return capturing(stream) ? kStreamCaptureUnsupported : drain(stream);
}

DSNK_EXPORT Result cuStreamWaitEvent(Stream stream, Event event, unsigned) {
  const Call call;
  if (call.refused) return call.refused;
  if (!event) return kInvalidHandle;
  if (!event->recorded || event->stream == stream) return kSuccess;
  return enqueue(stream, [event] { return event->reached ? kSuccess : drain(event->stream); });
}

DSNK_EXPORT Result cuStreamBeginCapture_v2(Stream stream, int) {
  const Call call;
  if (call.refused) return call.refused;
  StreamObject* queue = queueOf(stream);
  if (!stream || !queue) return kStreamCaptureUnsupported;
  if (queue->capture) return kInvalidValue;
  queue->capture = new GraphObject;
  return kSuccess;
}

DSNK_EXPORT Result cuStreamEndCapture(Stream stream, Graph* graph) {
  const Call call;
  if (call.refused) return call.refused;
  StreamObject* queue = queueOf(stream);
  if (!queue || !queue->capture) return kInvalidValue;
  *graph = queue->capture;
  queue->capture = nullptr;
  return kSuccess;
}

DSNK_EXPORT Result cuGraphInstantiateWithFlags(GraphExec* exec, Graph graph, uint64_t) {
  const Call call;
  if (call.refused) return call.refused;
  if (!graph) return kInvalidValue;
  *exec = new GraphExecObject{graph->operations};
  return kSuccess;
}

DSNK_EXPORT Result cuGraphLaunch(GraphExec exec, Stream stream) {
  const Call call;
  if (call.refused) return call.refused;
  if (!exec) return kInvalidValue;
  for (const Operation& operation : exec->operations) {
    if (const Result result = enqueue(stream, operation)) return result;
  }
  return kSuccess;
}

// Both may be called on a device that has been lost: they free memory of the host.
DSNK_EXPORT Result cuGraphExecDestroy(GraphExec exec) {
  const Call call;
  delete exec;
  return call.refused;
}
DSNK_EXPORT Result cuGraphDestroy(Graph graph) {
  const Call call;
  delete graph;
  return call.refused;
}

DSNK_EXPORT Result cuEventCreate(Event* event, unsigned) {
  const Call call;
  if (call.refused) return call.refused;
  *event = new EventObject;
  return kSuccess;
}

DSNK_EXPORT Result cuEventRecord(Event event, Stream stream) {
  const Call call;
  if (call.refused) return call.refused;
  if (!event) return kInvalidHandle;
  event->stream = stream;
  event->recorded = true;
  event->reached = false;
  return enqueue(stream, [event] {
    event->reached = true;
    event->at = std::chrono::steady_clock::now();
    return kSuccess;
  });
}

DSNK_EXPORT Result cuEventSynchronize(Event event) {
  const Call call;
  if (call.refused) return call.refused;
  if (!event) return kInvalidHandle;
  return event->reached ? kSuccess : drain(event->stream);
}

DSNK_EXPORT Result cuEventElapsedTime(float* milliseconds, Event begin, Event end) {
  const Call call;
  if (call.refused) return call.refused;
  if (!begin || !end || !begin->recorded || !end->recorded) return kInvalidHandle;
  if (!begin->reached || !end->reached) return kNotReady;
  *milliseconds = std::chrono::duration<float, std::milli>(end->at - begin->at).count();
  return kSuccess;
}

DSNK_EXPORT Result cuEventDestroy_v2(Event event) {
  const Call call;
  if (call.refused) return call.refused;
  if (!event) return kInvalidHandle;
  const Result result = event->reached ? kSuccess : drain(event->stream);
  delete event;
  return result;
}
