// Bytes on their way in: files and copies in memory of ours, which `load` may read off-thread.
#include <sys/stat.h>

#include <cerrno>
#include <cstdio>
#include <cstring>

#include "addon/surface.h"

namespace dsnk {

// Straight through the C API: this is the hot part of a call.
bool viewOf(napi_env env, napi_value value, View& view) {
  napi_typedarray_type type{};
  size_t length = 0;
  void* data = nullptr;
  if (napi_get_typedarray_info(env, value, &type, &length, &data, nullptr, nullptr) != napi_ok) return false;
  static constexpr uint8_t kBytes[] = {1, 1, 1, 2, 2, 4, 4, 4, 8, 8, 8, 2};
  if (static_cast<size_t>(type) >= sizeof kBytes) return false;
  view = {static_cast<std::byte*>(data), length * kBytes[type]};
  return true;
}

// Hands a block to JavaScript without a copy where the host allows external buffers (Electron does not).
static Napi::Value toArrayBuffer(Napi::Env env, std::shared_ptr<Block> block) {
  napi_value buffer = nullptr;
  Environment& e = Environment::of(env);
  auto* holder = new std::shared_ptr<Block>(block);
  const napi_status status = napi_create_external_arraybuffer(
      env, block->base(), block->bytes(),
      [](napi_env, void*, void* hint) { delete static_cast<std::shared_ptr<Block>*>(hint); }, holder, &buffer);
  if (status == napi_ok && block->bytes() > 0) {
    std::erase_if(e.handedOut, [](const std::weak_ptr<Block>& w) { return w.expired(); });
    e.handedOut.push_back(block);
    return Napi::Value(env, buffer);
  }
  if (status != napi_ok) delete holder;
  auto copy = Napi::ArrayBuffer::New(env, block->bytes());
  if (block->bytes()) std::memcpy(copy.Data(), block->base(), block->bytes());
  return copy;
}

// readFile(path, callback): the file in memory of ours, so that `load` can read it off-thread and give it back
// piecewise.
Napi::Value readFile(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  struct Reading {
    std::string path;
    std::shared_ptr<Block> block = std::make_shared<Block>();  // made here: the executor may not throw
    bool read = false;
    int error = 0;
    Napi::FunctionReference callback;
  };
  auto r = std::make_shared<Reading>();
  r->path = info[0].As<Napi::String>().Utf8Value();
  r->callback = Napi::Persistent(info[1].As<Napi::Function>());
  auto pending = std::make_unique<Environment::Pending>();
  pending->work = [r](Team&, Environment::Pending&) {
    // A path with a zero in it would end there, and opening a pipe would wait for its other end.
    struct stat status;
    if (r->path.find('\0') != std::string::npos) {
      r->error = EINVAL;
    } else if (stat(r->path.c_str(), &status) != 0) {
      r->error = errno;
    } else if (!S_ISREG(status.st_mode)) {
      r->error = S_ISDIR(status.st_mode) ? EISDIR : EINVAL;
    }
    if (r->error != 0) return;
    FILE* f = std::fopen(r->path.c_str(), "rbe");
    if (f == nullptr) {
      r->error = errno;
      return;
    }
    off_t size = -1;
    if (fseeko(f, 0, SEEK_END) == 0) size = ftello(f);
    if (size < 0 || fseeko(f, 0, SEEK_SET) != 0) {
      r->error = errno ? errno : EIO;
    } else {
      Block block = Block::allocate(static_cast<uint64_t>(size));
      if (!block.ok()) {
        r->error = ENOMEM;
      } else {
        errno = 0;
        if (size > 0 && std::fread(block.base(), 1, static_cast<size_t>(size), f) != static_cast<size_t>(size)) {
          r->error = errno ? errno : EIO;
        } else {
          *r->block = std::move(block);
          r->read = true;
        }
      }
    }
    std::fclose(f);
  };
  pending->complete = [r](Napi::Env e, Environment::Pending&) {
    Napi::Value value = r->read ? toArrayBuffer(e, r->block) : e.Null();
    callBack(e, r->callback, static_cast<uint32_t>(r->error), -1, Fault::none, r->error ? std::strerror(r->error) : "",
             value);
  };
  Environment::of(env).submit(env, 1, std::move(pending));
  return env.Undefined();
}

// adopt(bytes): a copy in memory of ours.
Napi::Value adopt(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  View v;
  if (!viewOf(env, info[0], v)) throw typeError(env, "adopt: bytes must be a typed array");
  auto block = std::make_shared<Block>(Block::allocate(v.bytes));
  if (!block->ok()) return env.Null();
  if (v.bytes) std::memcpy(block->base(), v.base, v.bytes);
  return toArrayBuffer(env, std::move(block));
}

// releaseBuffer(arrayBuffer): detaches a buffer of readFile or adopt and gives its memory back unless a job reads it.
Napi::Value releaseBuffer(const Napi::CallbackInfo& info) {
  if (!info[0].IsArrayBuffer()) return info.Env().Undefined();
  auto buffer = info[0].As<Napi::ArrayBuffer>();
  for (auto& weak : Environment::of(info.Env()).handedOut) {
    // The buffer's own reference goes when V8 gets round to it; the pages go now.
    auto block = weak.lock();
    if (block && block->base() == buffer.Data() && block.use_count() == 2) block->discard(0, block->bytes());
  }
  if (!buffer.IsDetached()) buffer.Detach();
  return info.Env().Undefined();
}

Source sourceOf(Environment& e, const View& v) {
  for (auto& weak : e.handedOut) {
    auto block = weak.lock();
    if (!block || v.base < block->base() || v.bytes > block->bytes()) continue;
    if (static_cast<uint64_t>(v.base - block->base()) <= block->bytes() - v.bytes) return {v.base, v.bytes, block};
  }
  auto copy = std::make_shared<Block>(Block::allocate(v.bytes));
  if (!copy->ok()) return {nullptr, 0, nullptr};
  if (v.bytes) std::memcpy(copy->base(), v.base, v.bytes);
  return {copy->base(), v.bytes, copy};
}

}  // namespace dsnk
