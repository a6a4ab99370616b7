// Computes  for every batch and class: boxes by falling score, each kept unless it overlaps one kept before by more
//           than iouThreshold; y[i] = [batch, class, box]; count = how many were kept
// Shapes    y: i64 [count, 3] at the beginning of [limit, 3]; boxes: f32 [batches, boxes, 4]; scores: f32 [batches,
//           classes, boxes]
// Numerics  float32; equal scores keep the order of the boxes; a NaN score is never kept
// Tiling    one: what is kept depends on what was kept before. Boxes below the score threshold, nearly all, cost one
//           comparison each
// Packing   none
// Source    the ONNX operator definition
#include <algorithm>
#include <cstring>

#include "kernels/dynamic/params.gen.h"
#include "kernels/kernel.h"
#include "kernels/sizes.h"

namespace dsnk {

static const char* verify(const Kernel&, const Check& c) {
  const auto& p = c.as<NonMaxSuppressionParams>();
  if (p.centerPoint != 0 && p.centerPoint != 1) return "centerPoint must be 0 or 1";
  if (p.boxes < 1 || p.batches < 0 || p.classes < 0 || p.limit < 0)
    return "sizes must not be negative, and boxes not none";
  if (!(Size(p.limit) * 24).fits(c.operandBytes[0])) return "output must hold `limit` boxes";
  if (!c.holds(1, 8)) return "count must hold one number";
  if (!(Size(p.batches) * Size(p.boxes) * 16).fits(c.operandBytes[2])) return "boxes must hold their shape";
  if (!(Size(p.batches) * Size(p.classes) * Size(p.boxes) * 4).fits(c.operandBytes[3]))
    return "scores must hold their shape";
  if (c.has(4) && !c.holds(4, 8)) return "maxPerClass must hold one number";
  if (c.has(5) && !c.holds(5, 4)) return "iouThreshold must hold one number";
  if (c.has(6) && !c.holds(6, 4)) return "scoreThreshold must hold one number";
  return nullptr;
}

static uint32_t tiles(const Kernel&, const void*, uint32_t) { return 1; }

struct Box {
  float x0, y0, x1, y1, area;
};

// The candidates' positions, and the boxes kept so far.
static uint64_t scratchBytes(const Kernel&, const void* params) {
  const auto boxes = static_cast<uint64_t>(static_cast<const NonMaxSuppressionParams*>(params)->boxes);
  return boxes * (sizeof(int64_t) + sizeof(Box));
}

extern const Contract nms_contract{"nms", "wwrrooo", 0,     sizeof(NonMaxSuppressionParams),
                                   false, verify,    tiles, scratchBytes};

static Box boxAt(const float* b, bool centerPoint) {
  Box r;
  if (centerPoint) {  // x, y, width, height
    r = {b[0] - b[2] / 2, b[1] - b[3] / 2, b[0] + b[2] / 2, b[1] + b[3] / 2, 0};
  } else {  // y, x of two opposite corners
    r = {std::min(b[1], b[3]), std::min(b[0], b[2]), std::max(b[1], b[3]), std::max(b[0], b[2]), 0};
  }
  r.area = (r.x1 - r.x0) * (r.y1 - r.y0);
  return r;
}

static bool overlaps(const Box& a, const Box& b, float threshold) {
  const float width = std::min(a.x1, b.x1) - std::max(a.x0, b.x0);
  const float height = std::min(a.y1, b.y1) - std::max(a.y0, b.y0);
  if (!(width > 0) || !(height > 0) || !(a.area > 0) || !(b.area > 0)) return false;
  const float both = width * height, either = a.area + b.area - both;
  return either > 0 && both / either > threshold;
}

Fault nms_scalar(const Work& w) {
  const auto& p = w.as<NonMaxSuppressionParams>();
  int64_t* const y = w.at<int64_t>(0);
  const int64_t most = std::min(w.operand[4] ? *w.at<const int64_t>(4) : 0, p.boxes);
  const float iouThreshold = w.operand[5] ? *w.at<const float>(5) : 0.0f;
  const float* const scoreThreshold = w.at<const float>(6);
  int64_t* const candidate = reinterpret_cast<int64_t*>(w.scratch);
  Box* const kept = reinterpret_cast<Box*>(candidate + p.boxes);
  int64_t count = 0;
  for (int64_t c = 0; c < p.batches * p.classes && most > 0; c++) {
    const float* const boxes = w.at<const float>(2) + c / p.classes * p.boxes * 4;
    const float* const scores = w.at<const float>(3) + c * p.boxes;
    int64_t n = 0;
    for (int64_t i = 0; i < p.boxes; i++) {
      if (scoreThreshold ? scores[i] > *scoreThreshold : scores[i] == scores[i]) candidate[n++] = i;
    }
    std::sort(candidate, candidate + n,
              [&](int64_t a, int64_t b) { return scores[a] != scores[b] ? scores[a] > scores[b] : a < b; });
    int64_t k = 0;
    for (int64_t i = 0; i < n && k < most; i++) {
      const Box box = boxAt(boxes + candidate[i] * 4, p.centerPoint != 0);
      bool keep = true;
      for (int64_t j = 0; j < k && keep; j++) keep = !overlaps(box, kept[j], iouThreshold);
      if (!keep) continue;
      if (count == p.limit) return Fault::invalidValue;  // maxPerClass is not what the buffer was made for
      kept[k++] = box;
      y[count * 3] = c / p.classes;
      y[count * 3 + 1] = c % p.classes;
      y[count * 3 + 2] = candidate[i];
      count++;
    }
  }
  *w.at<int64_t>(1) = count;
  std::memset(y + count * 3, 0, static_cast<size_t>(p.limit - count) * 24);
  return Fault::none;
}

}  // namespace dsnk
