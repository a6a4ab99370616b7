// What one Node environment (the main thread or a worker) owns: its jobs in flight and the one thread-safe function
// that brings their results back to its JavaScript thread.
#pragma once
#include <napi.h>

#include <atomic>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <unordered_map>
#include <vector>

#include "runtime/device.h"

namespace dsnk {

class Environment {
 public:
  // A job and what becomes of it on the JavaScript thread. `abort` stops `work` early.
  struct Pending {
    uint32_t id = 0;
    std::atomic<bool> abort{false};
    std::function<void(Team&, Pending&)> work;          // executor thread
    std::function<void(Napi::Env, Pending&)> complete;  // JavaScript thread; not called once the environment closes
  };

  explicit Environment(Napi::Env env);
  static Environment& of(Napi::Env env) { return *env.GetInstanceData<Environment>(); }

  // Returns the job's id, for abort().
  uint32_t submit(Napi::Env env, uint32_t threads, std::unique_ptr<Pending> pending);
  void abort(uint32_t id);

  // Memory handed to JavaScript as external array buffers, which own it; a job may read it off-thread.
  std::vector<std::weak_ptr<Block>> handedOut;

 private:
  static void drain(napi_env env, napi_value, void* self, void*);
  static void close(void* self);
  void finish(Pending* pending);  // executor thread

  napi_env env_;
  napi_threadsafe_function wake_ = nullptr;
  uint32_t nextId_ = 1;
  // Owns the jobs, and is touched by the JavaScript thread only: the references to JavaScript values that their
  // closures hold must be dropped there.
  std::unordered_map<uint32_t, std::unique_ptr<Pending>> pending_;

  std::mutex mutex_;
  std::condition_variable idle_;
  std::vector<Pending*> finished_;
  uint32_t inFlight_ = 0;
  bool closing_ = false;
};

}  // namespace dsnk
