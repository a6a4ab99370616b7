// Included inside an ISA's region, after fold.inl. Types without vector rows take it in the scalar region.

// The k best so far in a heap whose root is the worst of them; order: value, then lower index.
template <class T>
class Picker {
 public:
  using E = Element<T>;
  using Wide = typename E::Wide;
  struct Entry {
    Wide value;
    int64_t index;
  };

  Picker(void* scratch, int64_t k, bool smallest) : heap_(static_cast<Entry*>(scratch)), k_(k), smallest_(smallest) {}

  // NaN counts as the largest number.
  bool ahead(Wide a, Wide b) const { return smallest_ ? a < b || (b != b && a == a) : a > b || (a != a && b == b); }
  bool full() const { return size_ == k_; }
  Wide worst() const { return heap_[0].value; }

  // Indices come in rising order, so an equal value never enters a full heap.
  void offer(Wide value, int64_t index) {
    if (size_ < k_) {
      heap_[size_++] = {value, index};
      if (size_ == k_) {
        for (int64_t i = k_ / 2; i-- > 0;) sink(i, k_);
      }
    } else if (ahead(value, heap_[0].value)) {
      heap_[0] = {value, index};
      sink(0, k_);
    }
  }

  // Best first; the heap is used up.
  void drain(T* values, int64_t* indices, int64_t step) {
    for (int64_t left = k_; left > 0; left--) {
      values[(left - 1) * step] = E::store(heap_[0].value);
      indices[(left - 1) * step] = heap_[0].index;
      heap_[0] = heap_[left - 1];
      sink(0, left - 1);
    }
    size_ = 0;
  }

 private:
  bool before(const Entry& a, const Entry& b) const {
    if (ahead(a.value, b.value)) return true;
    if (ahead(b.value, a.value)) return false;
    return a.index < b.index;
  }
  void sink(int64_t i, int64_t size) {
    const Entry e = heap_[i];
    for (;;) {
      int64_t child = 2 * i + 1;
      if (child >= size) break;
      if (child + 1 < size && before(heap_[child], heap_[child + 1])) child++;
      if (!before(e, heap_[child])) break;
      heap_[i] = heap_[child];
      i = child;
    }
    if (size > 0) heap_[i] = e;
  }

  Entry* heap_;
  int64_t k_;
  int64_t size_ = 0;
  bool smallest_;
};

template <class T>
static Fault topkColumns(const Work& w) {
  const auto& p = w.as<TopkParams>();
  AxisTiles(p.outer, p.n, p.inner).each(w.tile, w.tiles, [&](int64_t o, int64_t first, int width) {
    for (int64_t c = first; c < first + width; c++) {
      const T* x = w.at<T>(2) + o * p.n * p.inner + c;
      Picker<T> picker(w.scratch, p.k, p.smallest != 0);
      for (int64_t i = 0; i < p.n; i++) picker.offer(Element<T>::load(x[i * p.inner]), i);
      picker.drain(w.at<T>(0) + o * p.k * p.inner + c, w.at<int64_t>(1) + o * p.k * p.inner + c, p.inner);
    }
  });
  return Fault::none;
}

// Contiguous float32: once the heap is full, 64 elements are passed over together when none is ahead of its worst.
static Fault topk(const Work& w) {
  const auto& p = w.as<TopkParams>();
  if (p.inner != 1 || p.n < 128) return topkColumns<float>(w);
  AxisTiles(p.outer, p.n, 1).each(w.tile, w.tiles, [&](int64_t o, int64_t, int) {
    const float* x = w.at<float>(2) + o * p.n;
    Picker<float> picker(w.scratch, p.k, p.smallest != 0);
    int64_t i = 0;
    while (i < p.n) {
      if (!picker.full() || p.n - i < 64) {
        picker.offer(x[i], i);
        i++;
        continue;
      }
      const F32 worst = F32::set(picker.worst());
      F32 any = F32::zero();
      for (int v = 0; v < kFoldVecs; v++) {
        const F32 e = F32::load(x + i + v * F32::lanes);
        const Mask ahead =
            p.smallest ? less(e, worst) | (isNan(worst) & !isNan(e)) : less(worst, e) | (isNan(e) & !isNan(worst));
        any = select(ahead, F32::set(1.0f), any);
      }
      if (largest(any) > 0) {
        for (int64_t j = i; j < i + 64; j++) picker.offer(x[j], j);
      }
      i += 64;
    }
    picker.drain(w.at<float>(0) + o * p.k, w.at<int64_t>(1) + o * p.k, 1);
  });
  return Fault::none;
}

template <class T>
static Fault argColumns(const Work& w) {
  const auto& p = w.as<ArgReduceParams>();
  AxisTiles(p.outer, p.n, p.inner).each(w.tile, w.tiles, [&](int64_t o, int64_t first, int width) {
    for (int64_t c = first; c < first + width; c++) {
      const T* x = w.at<T>(1) + o * p.n * p.inner + c;
      auto best = Element<T>::load(x[0]);
      int64_t at = 0;
      for (int64_t i = 1; i < p.n; i++) {
        const auto e = Element<T>::load(x[i * p.inner]);
        const bool ahead =
            e != e ? best == best || p.last : (p.smallest ? e < best : best < e) || (p.last && e == best);
        if (ahead) {
          best = e;
          at = i;
        }
      }
      w.at<int64_t>(0)[o * p.inner + c] = at;
    }
  });
  return Fault::none;
}

// The extreme of the row, then the first (last) 64 elements that hold it, then the place there.
static int64_t argOfRow(const float* x, int64_t n, bool smallest, bool last) {
  const auto peak = static_cast<float>(smallest ? foldRow(MinFold::start, x, n, MinFold())
                                                : foldRow(MaxFold::start, x, n, MaxFold()));
  const F32 top = F32::set(peak);
  const auto hit = [&](int64_t i) { return x[i] == peak || x[i] != x[i]; };
  const int64_t blocks = n / 64;
  for (int64_t b = 0; b < blocks; b++) {
    const int64_t at = (last ? blocks - 1 - b : b) * 64;
    if (last && b == 0) {
      for (int64_t i = n - 1; i >= blocks * 64; i--) {
        if (hit(i)) return i;
      }
    }
    F32 any = F32::zero();
    for (int v = 0; v < kFoldVecs; v++) {
      const F32 e = F32::load(x + at + v * F32::lanes);
      any = select(equal(e, top) | isNan(e), F32::set(1.0f), any);
    }
    if (!(largest(any) > 0)) continue;
    for (int64_t i = 0; i < 64; i++) {
      const int64_t j = last ? at + 63 - i : at + i;
      if (hit(j)) return j;
    }
  }
  for (int64_t i = last ? n - 1 : blocks * 64; i >= 0 && i < n; i += last ? -1 : 1) {
    if (hit(i)) return i;
  }
  return 0;
}

static void argOfStrip(const float* x, int64_t n, int64_t inner, int width, bool smallest, bool last, int64_t* y) {
  for (int v = 0; v * F32::lanes < width; v++) {
    const int left = width - v * F32::lanes < F32::lanes ? width - v * F32::lanes : F32::lanes;
    const float* column = x + v * F32::lanes;
    F32 best = loadSome(column, left), at = fromBits(I32::set(0));
    for (int64_t i = 1; i < n; i++) {
      const F32 e = loadSome(column + i * inner, left);
      const F32 a = smallest ? e : best, b = smallest ? best : e;
      const Mask ahead = last ? lessEqual(a, b) | isNan(e) : less(a, b) | (isNan(e) & !isNan(best));
      best = select(ahead, e, best);
      at = select(ahead, fromBits(I32::set(static_cast<int32_t>(i))), at);
    }
    alignas(64) int32_t index[F32::lanes];
    bitsOf(at).store(index);
    for (int l = 0; l < left; l++) y[v * F32::lanes + l] = index[l];
  }
}

static Fault argReduce(const Work& w) {
  const auto& p = w.as<ArgReduceParams>();
  AxisTiles(p.outer, p.n, p.inner).each(w.tile, w.tiles, [&](int64_t o, int64_t c, int width) {
    const float* x = w.at<float>(1) + o * p.n * p.inner + c;
    int64_t* y = w.at<int64_t>(0) + o * p.inner + c;
    if (p.inner == 1)
      y[0] = argOfRow(x, p.n, p.smallest != 0, p.last != 0);
    else
      argOfStrip(x, p.n, p.inner, width, p.smallest != 0, p.last != 0, y);
  });
  return Fault::none;
}
