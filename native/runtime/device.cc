#include "runtime/device.h"

#include <pthread.h>
#include <signal.h>

#include <condition_variable>
#include <deque>
#include <thread>

#include "runtime/cpu_features.h"

namespace dsnk {

// All teams of one size. There are as many executors as teams of this size fit on the machine, so that sessions of
// one thread run side by side while a session of all threads has the machine to itself.
struct CpuDevice::Lane {
  explicit Lane(uint32_t n) : threads(n), most(std::max(1u, cpuFeatures().threads / n)) {}

  const uint32_t threads;
  const uint32_t most;
  std::mutex mutex;
  std::condition_variable wake;
  std::deque<std::unique_ptr<Job>> queue;
  std::vector<std::unique_ptr<Team>> idleTeams;  // for runHere
  uint32_t executors = 0, idle = 0;              // idle ones spin or sleep: a job for them starts no further executor
  std::atomic<uint32_t> posted{0};               // an executor spins on it before it sleeps

  void serve() {
    pthread_setname_np(pthread_self(), "dsnk-executor");
    Team team(threads);
    constexpr uint32_t kSpins = 2000;  // some tens of microseconds: the next call of a loop comes within them
    for (;;) {
      std::unique_ptr<Job> job;
      const uint32_t seen = posted.load(std::memory_order_acquire);
      {
        std::lock_guard lock(mutex);
        if (queue.empty()) {
          idle++;
        } else {
          job = std::move(queue.front());
          queue.pop_front();
        }
      }
      if (!job) {
        spinUntilChanged(posted, seen, kSpins);
        std::unique_lock lock(mutex);
        wake.wait(lock, [&] { return !queue.empty(); });
        idle--;
        job = std::move(queue.front());
        queue.pop_front();
      }
      job->work(team);
      job->finished();
    }
  }
};

CpuDevice& CpuDevice::instance() {
  static auto* device = new CpuDevice();
  return *device;
}

CpuDevice::Lane& CpuDevice::lane(uint32_t threads) {
  std::lock_guard lock(mutex_);
  for (auto& l : lanes_) {
    if (l->threads == threads) return *l;
  }
  lanes_.push_back(std::make_unique<Lane>(threads));
  return *lanes_.back();
}

void CpuDevice::submit(std::unique_ptr<Job> job) {
  Lane& l = lane(job->threads);
  bool start = false, wake = false;
  {
    std::lock_guard lock(l.mutex);
    l.queue.push_back(std::move(job));
    wake = l.idle > 0;
    start = l.queue.size() > l.idle && l.executors < l.most;
    if (start) l.executors++;
    l.posted.fetch_add(1, std::memory_order_release);
  }
  if (wake) l.wake.notify_one();
  if (!start) return;
  sigset_t all, before;  // signals belong to the threads of the host program
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  try {
    std::thread([&l] { l.serve(); }).detach();
  } catch (...) {  // no thread to be had: another executor of the lane takes the job, or this thread does
    std::unique_lock lock(l.mutex);
    l.executors--;
    if (l.executors == 0) {
      std::deque<std::unique_ptr<Job>> orphans = std::move(l.queue);
      l.queue.clear();
      lock.unlock();
      for (auto& orphan : orphans) {
        runHere(l.threads, orphan->work);
        orphan->finished();
      }
    }
  }
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

void CpuDevice::runHere(uint32_t threads, const std::function<void(Team&)>& work) {
  Lane& l = lane(threads);
  std::unique_ptr<Team> team;
  {
    std::lock_guard lock(l.mutex);
    if (!l.idleTeams.empty()) {
      team = std::move(l.idleTeams.back());
      l.idleTeams.pop_back();
    }
  }
  if (!team) team = std::make_unique<Team>(threads);
  work(*team);
  std::lock_guard lock(l.mutex);
  if (l.idleTeams.size() < l.most) l.idleTeams.push_back(std::move(team));
}

}  // namespace dsnk
