#include "addon/environment.h"

namespace dsnk {

Environment::Environment(Napi::Env env) : env_(env) {
  const Napi::String name = Napi::String::New(env, "ds-native-kernels");
  napi_create_threadsafe_function(env, nullptr, nullptr, name, 0, 1, nullptr, nullptr, this, drain, &wake_);
  napi_unref_threadsafe_function(env, wake_);
  // Hooks run last-added first: ours joins the jobs before Node tears the thread-safe function down.
  napi_add_env_cleanup_hook(env, close, this);
}

uint32_t Environment::submit(Napi::Env env, uint32_t threads, std::unique_ptr<Pending> owned) {
  Pending* pending = owned.get();
  const uint32_t id = pending->id = nextId_++;
  if (pending_.empty()) napi_ref_threadsafe_function(env, wake_);
  pending_.emplace(id, std::move(owned));
  {
    std::lock_guard lock(mutex_);
    inFlight_++;
    finished_.reserve(pending_.size());  // `finish` may not throw
  }
  auto job = std::make_unique<Job>();
  job->threads = threads;
  job->work = [pending](Team& team) { pending->work(team, *pending); };
  job->finished = [this, pending] { finish(pending); };
  CpuDevice::instance().submit(std::move(job));
  return id;
}

void Environment::abort(uint32_t id) {
  const auto it = pending_.find(id);
  if (it != pending_.end()) it->second->abort.store(true, std::memory_order_relaxed);
}

void Environment::finish(Pending* pending) {
  std::lock_guard lock(mutex_);
  finished_.push_back(pending);
  // The call is made under the lock: once inFlight_ is 0 the environment may be gone.
  if (!closing_ && finished_.size() == 1) napi_call_threadsafe_function(wake_, nullptr, napi_tsfn_nonblocking);
  inFlight_--;
  idle_.notify_all();
}

void Environment::drain(napi_env rawEnv, napi_value, void* self, void*) {
  auto& e = *static_cast<Environment*>(self);
  if (rawEnv == nullptr) return;
  std::vector<Pending*> done;
  {
    std::lock_guard lock(e.mutex_);
    done.swap(e.finished_);
  }
  std::vector<std::unique_ptr<Pending>> finished;
  for (Pending* p : done) finished.push_back(std::move(e.pending_.extract(p->id).mapped()));
  const Napi::Env env(rawEnv);
  if (e.pending_.empty()) napi_unref_threadsafe_function(env, e.wake_);
  for (auto& p : finished) {
    try {
      const Napi::HandleScope scope(env);
      p->complete(env, *p);
    } catch (const Napi::Error& error) {
      // A worker that is being terminated lets no JavaScript run any more: its promises are settled by nobody.
      if (!env.IsExceptionPending()) error.ThrowAsJavaScriptException();
    } catch (const std::exception& error) {
      if (!env.IsExceptionPending()) Napi::Error::New(env, error.what()).ThrowAsJavaScriptException();
    }
  }
}

void Environment::close(void* self) {
  auto& e = *static_cast<Environment*>(self);
  for (auto& [id, p] : e.pending_) p->abort.store(true, std::memory_order_relaxed);
  std::unique_lock lock(e.mutex_);
  e.closing_ = true;
  e.idle_.wait(lock, [&] { return e.inFlight_ == 0; });
  e.finished_.clear();  // a wake-up that is already on its way finds nothing
  e.pending_.clear();
}

}  // namespace dsnk
