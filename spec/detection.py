"""Object detection: where things are in an image, each with a box around it, and what they are.

A box is (x1, y1, x2, y2): two corners, in pixels or in any other unit, x to the right and y downwards. How many boxes
there are is often none; every formula takes that. What is kept of boxes is said by booleans, one per box, so that
results have a shape that is known before anything is computed.
"""

from typing import Annotated, Any, Literal, NamedTuple, TypeAlias

from annotated_types import Ge, Interval
from jaxtyping import Bool, Float, Int

from gongsik.spec.adapter import ArrayAdapter
from gongsik.spec.array import Array, Corners, Finite, Labels, NonNegative, Pair, Positive, Probability
from gongsik.spec.detectors import RCNN, RPN, FasterRCNN, FastRCNN, SPPNet, YOLOv1
from gongsik.spec.errors import DomainError
from gongsik.spec.formula import Chapter, Erratum, count, formula, named
from gongsik.spec.model import Parameters

CHAPTER = Chapter(ko="물체 검출", en="Object detection")

Boxes: TypeAlias = Annotated[Float[Array, "*n 4"], Corners()]
Format: TypeAlias = Literal["xyxy", "xywh", "cxcywh"]
"""Two corners; the first corner and the size; the centre and the size."""

ROW = ("len(n) == 1", "boxes in one row, (n, 4)")
TRUTHS = ("len(m) == 1", "boxes in one row, (m, 4)")
Images: TypeAlias = Float[Array, "n c h w"]
CHANNELS = ("c == config.channels", "as many channels as config says")
NUMBERS = Finite(nan=False)
"""Scores that are sorted, boxes that are rounded, and pixels of which some are multiplied by a weight of 0."""


# Boxes


@formula(
    ko="경계 상자 좌표 변환",
    en="Box format conversion",
    tex=r"(x, y, w, h) \leftrightarrow \bigl(x - \tfrac w2,\ y - \tfrac h2,\ x + \tfrac w2,\ y + \tfrac h2\bigr)",
    notes=("000#Faster R-CNN", "000#YOLO(You only look once)", "003#YOLO"),
    source="Redmon, Divvala, Girshick & Farhadi 2016, section 2",
    differentiable=True,
)
def box_convert(
    boxes: Float[Array, "*n 4"], /, *, source: Format = "cxcywh", target: Format = "xyxy"
) -> Float[Array, "*n 4"]:
    """Say the same boxes in other numbers: two corners, a corner and the size, or the centre and the size.

    Shapes
    ------
    boxes : (*n, 4)
    returns : (*n, 4)

    Options
    -------
    source, target : "xyxy" (x1, y1, x2, y2), "xywh" (x1, y1, width, height), "cxcywh" (centre, width, height)

    Source
    ------
    Redmon, Divvala, Girshick & Farhadi 2016, "You only look once: unified, real-time object detection", section 2.

    Examples
    --------
    >>> gs.to_numpy(gs.box_convert(gs.asarray([5.0, 4.0, 6.0, 2.0])))
    array([2., 3., 8., 5.])
    """
    ...


@formula(
    ko="IoU(합집합에 대한 교집합의 비)",
    en="Intersection over union",
    tex=r"\mathrm{IoU}(A, B) = \frac{|A \cap B|}{|A \cup B|}",
    notes=("003#경계 상자의 신뢰도", "003#비 최대치 압축 : NMS"),
    source="Everingham et al. 2010, eq. 4",
    requires=(ROW, TRUTHS),
    axes={"na": "n[0]", "mb": "m[0]"},
    differentiable=True,
)
def iou(a: Boxes, b: Annotated[Float[Array, "*m 4"], Corners()], /) -> Float[Array, "na mb"]:
    """Divide the area that two boxes share by the area that they cover together, for every pair.

    Boxes that share no area have 0, even two that have no area at all.

    Shapes
    ------
    a : (n, 4), corners
    b : (m, 4), corners
    returns : (n, m)

    Source
    ------
    Everingham, Van Gool, Williams, Winn & Zisserman 2010, "The Pascal visual object classes (VOC) challenge", eq. 4.

    Examples
    --------
    >>> a, b = gs.asarray([[0.0, 0.0, 2.0, 2.0]]), gs.asarray([[0.0, 0.0, 2.0, 2.0], [1.0, 0.0, 3.0, 2.0]])
    >>> gs.to_numpy(gs.iou(a, b)).round(4)
    array([[1.    , 0.3333]])
    """
    ...


@formula(
    kind="algorithm",
    ko="비최대 억제",
    en="Non-maximum suppression",
    tex=r"\text{keep } b^\star = \arg\max s,\quad \text{drop } \{b : \mathrm{IoU}(b, b^\star) > \tau\},\quad "
    r"\text{repeat}",
    notes=("003#비 최대치 압축 : NMS",),
    source="Felzenszwalb, Girshick, McAllester & Ramanan 2010, section 7.2",
    requires=(ROW,),
)
def non_max_suppression(
    boxes: Boxes, scores: Float[Array, "*n"], labels: Int[Array, "*n"] | None = None, /, *,
    threshold: NonNegative[float] = 0.5, inclusive: bool = False,
) -> Bool[Array, "*n"]:  # fmt: skip
    """Keep the box with the highest score, drop all that overlap it too much, go on with the rest.

    Of equal scores the first comes first. Labels, if given, keep the boxes of each class (or of each image of a batch)
    to themselves. A box with NaN as its score or among its corners is not kept and drops nothing. The kept ones in the
    order of their scores: ``order = scores.argsort(...)``, of which those with ``keep[order]``.

    Shapes
    ------
    boxes : (n, 4), corners
    scores : (n,)
    labels : (n,) or None: all of one class
    returns : (n,) bool: whether the box is kept

    Options
    -------
    threshold : at least 0; boxes whose IoU with a kept one is larger are dropped
    inclusive : whether an IoU that equals the threshold is too much as well

    Source
    ------
    Felzenszwalb, Girshick, McAllester & Ramanan 2010, "Object detection with discriminatively trained part-based
    models", section 7.2.

    Examples
    --------
    >>> boxes = gs.asarray([[0.0, 0.0, 4.0, 4.0], [1.0, 0.0, 5.0, 4.0], [8.0, 0.0, 9.0, 9.0]])
    >>> scores = gs.asarray([0.5, 0.75, 0.25])
    >>> gs.to_numpy(gs.non_max_suppression(boxes, scores))
    array([False,  True,  True])
    >>> gs.to_numpy(gs.non_max_suppression(boxes, scores, gs.asarray([1, 0, 0])))
    array([ True,  True,  True])
    """
    ...


@formula(
    ko="평균 정밀도",
    en="Average precision",
    tex=r"\mathrm{AP} = \sum_k (r_k - r_{k-1}) \max_{j \ge k} p_j, \qquad "
    r"p_k = \frac{\mathrm{TP}_k}{k},\ r_k = \frac{\mathrm{TP}_k}{P}",
    source="Everingham et al. 2010, section 4.2",
    requires=(ROW,),
)
def average_precision(
    scores: Annotated[Float[Array, "*n"], NUMBERS], correct: Bool[Array, "*n"], /, *,
    positives: NonNegative[int], points: NonNegative[int] = 0,
) -> Float[Array, ""]:  # fmt: skip
    """Area under the curve of precision against recall, made non-increasing: what a ranked list of answers is worth.

    Answers are ranked by their scores, of equals the first first. Without anything to find the result is 0.

    Shapes
    ------
    scores : (n,), NaN excluded
    correct : (n,) bool, whether the answer is right
    returns : ()

    Options
    -------
    positives : at least 0, how many there are to be found
    points : 0: the area itself; otherwise the mean of the curve at so many recalls from 0 to 1 (11 in VOC 2007, 101 in
        COCO), at least 2

    Source
    ------
    Everingham, Van Gool, Williams, Winn & Zisserman 2010, "The Pascal visual object classes (VOC) challenge", section
    4.2; the area itself since VOC 2010.

    Examples
    --------
    >>> scores, correct = gs.asarray([0.75, 0.5, 0.25]), gs.asarray([True, False, True])
    >>> round(float(gs.average_precision(scores, correct, positives=2)), 4)
    0.8333
    """
    ...


@formula(
    kind="algorithm",
    ko="검출과 정답의 짝짓기",
    en="Matching detections with the truth",
    tex=r"j(i) = \arg\max_j \mathrm{IoU}(b_i, t_j), \qquad \mathrm{TP}_i \iff \mathrm{IoU}(b_i, t_{j(i)}) \ge \tau\ "
    r"\text{and no } b_k \text{ with } s_k > s_i,\ j(k) = j(i)\ \text{took } t_{j(i)}",
    source="Everingham et al. 2010, section 4.4",
    requires=(ROW, TRUTHS),
)
def match_detections(
    boxes: Annotated[Float[Array, "*n 4"], Corners()], scores: Annotated[Float[Array, "*n"], NUMBERS],
    groups: Int[Array, "*n"], truths: Annotated[Float[Array, "*m 4"], Corners()], truth_groups: Int[Array, "*m"], /,
    *, threshold: Annotated[float, Interval(gt=0, le=1)] = 0.5,
) -> Bool[Array, "*n"]:  # fmt: skip
    """Say which detections are right: those whose best truth overlaps enough and is nobody's with a higher score.

    Only boxes and truths of one group (an image, a class, or both in one number) can belong together. A second
    detection of the same truth is wrong. Of truths that overlap equally well the first is the best.

    Shapes
    ------
    boxes : (n, 4), corners
    scores, groups : (n,)
    truths : (m, 4), corners
    truth_groups : (m,)
    returns : (n,) bool

    Options
    -------
    threshold : above 0, at most 1, the least IoU

    Source
    ------
    Everingham, Van Gool, Williams, Winn & Zisserman 2010, "The Pascal visual object classes (VOC) challenge", section
    4.4.

    Examples
    --------
    >>> boxes = gs.asarray([[0.0, 0.0, 4.0, 4.0], [0.0, 0.0, 4.0, 5.0], [6.0, 6.0, 9.0, 9.0]])
    >>> scores, one = gs.asarray([0.5, 0.75, 0.25]), gs.asarray([0, 0, 0])
    >>> gs.to_numpy(gs.match_detections(boxes, scores, one, boxes[:1], one[:1]))
    array([False,  True, False])
    """
    ...


@formula(
    ko="평균 정밀도의 평균(mAP)",
    en="Mean average precision",
    tex=r"\mathrm{mAP} = \frac{1}{|\mathcal C|} \sum_{c \in \mathcal C} \mathrm{AP}_c, \qquad "
    r"\mathcal C = \{c : P_c > 0\}",
    source="Everingham et al. 2010, section 4.2",
    requires=(ROW, TRUTHS),
)
def mean_average_precision(
    boxes: Annotated[Float[Array, "*n 4"], Corners()], scores: Annotated[Float[Array, "*n"], NUMBERS],
    labels: Annotated[Int[Array, "*n"], Ge(0)], images: Annotated[Int[Array, "*n"], Ge(0)],
    truths: Annotated[Float[Array, "*m 4"], Corners()], truth_labels: Annotated[Int[Array, "*m"], Ge(0)],
    truth_images: Annotated[Int[Array, "*m"], Ge(0)], /,
    *, classes: Positive[int], threshold: Annotated[float, Interval(gt=0, le=1)] = 0.5,
) -> Float[Array, ""]:  # fmt: skip
    """Average the average precision over the classes of which there is anything to find.

    Shapes
    ------
    boxes : (n, 4), corners, of all images
    scores, labels, images : (n,): how sure, which class, in which image
    truths : (m, 4), corners
    truth_labels, truth_images : (m,)
    returns : (), 0 if there is nothing to find

    Options
    -------
    classes : at least 1; labels from this on are none
    threshold : above 0, at most 1, the least IoU of a right detection

    Source
    ------
    Everingham, Van Gool, Williams, Winn & Zisserman 2010, "The Pascal visual object classes (VOC) challenge", section
    4.2.

    Examples
    --------
    >>> boxes, zeros = gs.asarray([[0.0, 0.0, 4.0, 4.0], [6.0, 6.0, 9.0, 9.0]]), gs.asarray([0, 0])
    >>> found = boxes, gs.asarray([0.25, 0.75]), zeros, zeros
    >>> float(gs.mean_average_precision(*found, boxes[:1], zeros[:1], zeros[:1], classes=3))
    0.5
    """
    ...


# R-CNN: regions that are proposed, warped and looked at one by one


@formula(
    kind="algorithm",
    ko="선택적 탐색",
    en="Selective search",
    tex=r"s(r_i, r_j) = \sum_k \min(c_i^k, c_j^k) + \sum_k \min(t_i^k, t_j^k) "
    r"+ \Bigl(1 - \frac{|r_i| + |r_j|}{|im|}\Bigr) + \Bigl(1 - \frac{|BB_{ij}| - |r_i| - |r_j|}{|im|}\Bigr)",
    notes=("000#R-CNN",),
    source="Uijlings, van de Sande, Gevers & Smeulders 2013, eq. 1-6 and algorithm 1",
    errata=(
        Erratum(
            key="rcnn_regression_order",
            place="000#R-CNN",
            stated="선택적 탐색이 경계 상자 회귀를 거쳐 후보 상자를 모두 뽑는다.",
            right="후보는 영역을 묶어서 나온다. 회귀는 그 뒤에 CNN의 특징을 보고 후보를 다듬는다.",
            setup="proposal, deltas = np.array([[10.0, 10, 20, 20]]), np.array([[0.0, 0, np.log(2), 0]])",
            stated_value="float(proposal[0, 2] - proposal[0, 0])",
            right_value="round(float(np.diff(gs.decode_boxes(deltas, proposal)[0, ::2])[0]), 6)",
        ),
    ),
    requires=(("regions <= h * w", "no more regions than pixels"),),
    axes={"b": "2 * regions - 1"},
)
def selective_search(
    image: Annotated[Float[Array, "c h w"], NUMBERS], labels: Annotated[Int[Array, "h w"], Ge(0)], /, *,
    regions: Positive[int],
) -> Float[Array, "b 4"]:  # fmt: skip
    """Merge the two most similar neighbours among the regions of an image, again and again; every region has a box.

    Regions that lie side by side are similar if they share colours and textures, if both are small, and if they fit
    into each other. Colours are histograms of 25 bins per channel; textures histograms of 10 bins of the slope in each
    of 8 directions, per channel. The regions to begin with come from a segmentation, such as that of
    ``skimage.segmentation.felzenszwalb``.

    Shapes
    ------
    image : (c, h, w), finite, from 0 to 1; what lies beyond counts as the nearest of them
    labels : (h, w), the region of every pixel; each from 0 to regions - 1 occurs
    returns : (2 regions - 1, 4), corners: of the first regions, then of what was merged, in that order

    Options
    -------
    regions : at least 1, how many regions there are

    Raises
    ------
    DomainError
        If a label is not below `regions`, or one of them does not occur.

    Source
    ------
    Uijlings, van de Sande, Gevers & Smeulders 2013, "Selective search for object recognition", eq. 1-6, algorithm 1.

    Examples
    --------
    >>> image, labels = gs.asarray([[[0.0, 0.0, 0.5, 1.0]]]), gs.asarray([[0, 1, 2, 3]])
    >>> gs.to_numpy(gs.selective_search(image, labels, regions=4)).tolist()[4:]
    [[0.0, 0.0, 2.0, 1.0], [2.0, 0.0, 4.0, 1.0], [0.0, 0.0, 4.0, 1.0]]
    """
    ...


@formula(
    kind="algorithm",
    ko="후보 영역 크기 맞춤",
    en="Warp a region to a fixed size",
    tex=r"y_{ij} = x\Bigl(y_1 + \bigl(i + \tfrac12\bigr)\tfrac{y_2 - y_1}{H} - \tfrac12,\ "
    r"x_1 + \bigl(j + \tfrac12\bigr)\tfrac{x_2 - x_1}{W} - \tfrac12\Bigr), \qquad H = W = 227",
    notes=("000#R-CNN",),
    source="Girshick, Donahue, Darrell & Malik 2014, section 2.1",
    axes={"oh": "size[0]", "ow": "size[1]"},
    differentiable=("image",),
)
def region_warp(
    image: Annotated[Float[Array, "c h w"], NUMBERS], boxes: Annotated[Float[Array, "*k 4"], NUMBERS], /, *,
    size: Annotated[Pair, Ge(1)] = 227,
) -> Float[Array, "*k c oh ow"]:  # fmt: skip
    """Cut boxes out of an image and stretch each to one size, whatever its shape was; bilinearly.

    A pixel is a unit square whose value stands at its centre. Between the centres it is interpolated; nothing outside
    the box, nor outside the image, is looked at.

    Shapes
    ------
    image : (c, h, w)
    boxes : (*k, 4), corners in pixels; finite, each at least one pixel wide and high inside the image
    returns : (*k, c, oh, ow)

    Options
    -------
    size : at least 1, height and width of the results

    Source
    ------
    Girshick, Donahue, Darrell & Malik 2014, "Rich feature hierarchies for accurate object detection and semantic
    segmentation", section 2.1.

    Examples
    --------
    >>> image = gs.asarray([[[0.0, 4.0, 9.0], [8.0, 12.0, 9.0]]])
    >>> gs.to_numpy(gs.region_warp(image, gs.asarray([0.0, 0.0, 2.0, 2.0]), size=(1, 4)))
    array([[[4., 5., 7., 8.]]])
    """
    ...


@formula(
    ko="경계 상자 회귀",
    en="Bounding-box regression",
    tex=r"t_x = \frac{x - x_a}{w_a},\quad t_y = \frac{y - y_a}{h_a},\quad t_w = \ln \frac{w}{w_a},\quad "
    r"t_h = \ln \frac{h}{h_a}",
    notes=("000#R-CNN", "000#Fast R-CNN", "000#Faster R-CNN", "001#R-CNN", "001#Fast R-CNN"),
    source="Girshick et al. 2014, eq. 6-9; Ren, He, Girshick & Sun 2015, eq. 2",
    differentiable=True,
)
def box_regression(boxes: Boxes, anchors: Boxes, /) -> Float[Array, "*n 4"]:
    """Say what to learn: how far beside an anchor a box lies, in its widths and heights, and how much larger it is.

    `decode_boxes` undoes it.

    Shapes
    ------
    boxes, anchors : (*n, 4), corners; of positive width and height
    returns : (*n, 4): offset in x, in y, logarithm of the ratio of widths, of heights

    Source
    ------
    Ren, He, Girshick & Sun 2015, "Faster R-CNN: towards real-time object detection with region proposal networks",
    eq. 2; Girshick et al. 2014, eq. 6-9.

    Examples
    --------
    >>> box, anchor = gs.asarray([2.0, 0.0, 10.0, 8.0]), gs.asarray([0.0, 0.0, 8.0, 8.0])
    >>> gs.to_numpy(gs.box_regression(box, anchor))
    array([0.25, 0.  , 0.  , 0.  ])
    """
    ...


@formula(
    ko="상자의 복호화",
    en="Decoding boxes",
    tex=r"x = t_x w_a + x_a,\quad y = t_y h_a + y_a,\quad w = w_a e^{t_w},\quad h = h_a e^{t_h}",
    notes=("000#R-CNN", "000#Fast R-CNN", "000#Faster R-CNN", "001#R-CNN", "001#Fast R-CNN"),
    source="Girshick et al. 2014, eq. 1-4",
    differentiable=True,
)
def decode_boxes(
    deltas: Float[Array, "*n 4"], anchors: Boxes, /, *, largest: Positive[float] | None = None
) -> Float[Array, "*n 4"]:
    """Undo `box_regression`: move an anchor by what a network says, and stretch it.

    Shapes
    ------
    deltas : (*n, 4): offset in x, in y, logarithm of the ratio of widths, of heights
    anchors : (*n, 4), corners
    returns : (*n, 4), corners

    Options
    -------
    largest : above 0, the factor by which a side may grow at most; None: any

    Source
    ------
    Girshick, Donahue, Darrell & Malik 2014, "Rich feature hierarchies for accurate object detection and semantic
    segmentation", eq. 1-4.

    Examples
    --------
    >>> deltas, anchor = gs.asarray([0.25, 0.0, 0.0, 0.0]), gs.asarray([0.0, 0.0, 8.0, 8.0])
    >>> gs.to_numpy(gs.decode_boxes(deltas, anchor))
    array([ 2.,  0., 10.,  8.])
    """
    ...


class Detected(NamedTuple):
    """What R-CNN says about regions: for each of them and each class a box, a score, and whether it is kept."""

    boxes: Float[Array, "k c 4"]
    scores: Float[Array, "k c"]
    keep: Bool[Array, "k c"]


@formula(
    kind="model",
    deep=True,
    ko="R-CNN",
    en="R-CNN",
    tex=r"\text{proposals} \to \text{warp} \to \mathrm{CNN} \to \mathrm{SVM}_k + \text{box regression}",
    notes=("000#R-CNN", "001#R-CNN"),
    source="Girshick, Donahue, Darrell & Malik 2014, section 2",
)
def rcnn(
    config: RCNN, params: Parameters, image: Annotated[Float[Array, "3 h w"], NUMBERS],
    boxes: Annotated[Float[Array, "*n 4"], Corners()], /, *, threshold: NonNegative[float] = 0.3,
) -> Detected:  # fmt: skip
    """Warp every proposal, run the network on each, score its features by one linear classifier per class.

    The regressor of a class refines the box; non-maximum suppression, class by class, keeps some. A score below 0 says
    that the region is not of this class.

    Shapes
    ------
    params : dict of the names and shapes that `config.parameters()` says
    image : (3, h, w), finite
    boxes : (n, 4), corners of the proposals, at least one pixel wide and high
    returns : boxes (n, classes, 4), scores (n, classes), keep (n, classes) bool

    Options
    -------
    threshold : at least 0, of the suppression

    Raises
    ------
    ShapeError
        If parameters are missing, unknown or of another shape: all of them named.

    Source
    ------
    Girshick, Donahue, Darrell & Malik 2014, "Rich feature hierarchies for accurate object detection and semantic
    segmentation", section 2.

    Examples
    --------
    >>> from gongsik.spec.detectors import RCNN
    >>> RCNN().features, RCNN().parameters()["svms.weight"]
    (4096, (20, 4096))
    """
    ...


@count(
    ko="CNN 실행 횟수 비교",
    en="CNN passes per image",
    tex=r"\text{R-CNN } 2000 \quad \text{vs.} \quad \text{SPPNet, Fast R-CNN } 1",
    notes=("001#R-CNN", "000#SPPNet", "001#SPPNet"),
    source="He, Zhang, Ren & Sun 2015, section 4",
    errata=(
        Erratum(
            key="rcnn_bottleneck",
            place="000#SPPNet",
            stated="R-CNN에서 느린 것은 후보 상자를 뽑는 단계이다.",
            right="후보마다 CNN을 돌리는 것이 느리다. SPPNet과 Fast R-CNN이 없앤 것이 바로 그 2000번이다.",
            setup="from gongsik.spec.detection import cnn_passes",
            stated_value='cnn_passes("rcnn")',
            right_value='cnn_passes("sppnet")',
        ),
    ),
)
def cnn_passes(method: str, /, proposals: int = 2000) -> int:
    """How often the convolutions run for one image.

    Options
    -------
    method : "rcnn" (once per proposal), or "sppnet", "fast_rcnn", "faster_rcnn", "yolo_v1" (once)
    proposals : at least 0

    Raises
    ------
    DomainError
        If there is no such method, or the number is negative.

    Examples
    --------
    >>> cnn_passes("rcnn"), cnn_passes("fast_rcnn")
    (2000, 1)
    """
    if method not in ("rcnn", "sppnet", "fast_rcnn", "faster_rcnn", "yolo_v1"):
        raise DomainError(f"cnn_passes: there is no method {method!r}")
    if proposals < 0:
        raise DomainError(f"cnn_passes: proposals is {proposals}, expected an int >= 0")
    return proposals if method == "rcnn" else 1


# SPPNet and Fast R-CNN: one pass over the image, and a pool of fixed size for every region


def pyramid_cells(levels: tuple[int, ...]) -> int:
    """How many cells a pyramid has in all."""
    return sum(level * level for level in levels)


def are_levels(levels: Any) -> bool:
    return isinstance(levels, tuple) and len(levels) > 0 and all(type(b) is int and b >= 1 for b in levels)


@formula(
    ko="공간 피라미드 풀링",
    en="Spatial pyramid pooling",
    tex=r"y = \mathrm{concat}_{b \in \{1, 2, 4\}} \max_{(u, v) \in \mathrm{cell}_{b \times b}} x_{c,u,v}, \qquad "
    r"\mathrm{cell}_i = \Bigl[\Bigl\lfloor \tfrac{iH}{b} \Bigr\rfloor,\ "
    r"\Bigl\lceil \tfrac{(i + 1)H}{b} \Bigr\rceil\Bigr)",
    notes=("000#SPPNet",),
    source="He, Zhang, Ren & Sun 2015, section 2.2",
    requires=(("are_levels(levels)", "levels as a tuple of ints >= 1"),),
    axes={"f": "c * pyramid_cells(levels)"},
    differentiable=True,
)
def spatial_pyramid_pool(x: Images, /, *, levels: tuple[int, ...] = (1, 2, 4)) -> Float[Array, "n f"]:
    """Take the largest value of the whole map, of its quarters, of its sixteenths: as many numbers for any size.

    Cells overlap by a row or a column where the size does not divide. Among equals the first gets the gradient.

    Shapes
    ------
    x : (n, c, h, w)
    returns : (n, c * sum of b^2), level by level, in each channel by channel and row by row

    Options
    -------
    levels : a tuple of ints, at least 1: cells along each axis

    Source
    ------
    He, Zhang, Ren & Sun 2015, "Spatial pyramid pooling in deep convolutional networks for visual recognition",
    section 2.2.

    Examples
    --------
    >>> x = gs.asarray([[[[1.0, 2.0, 3.0], [4.0, 9.0, 6.0]]]])
    >>> gs.to_numpy(gs.spatial_pyramid_pool(x, levels=(1, 2)))
    array([[9., 2., 3., 9., 9.]])
    """
    ...


@formula(
    kind="model",
    deep=True,
    ko="SPPNet",
    en="SPPNet",
    tex=r"\mathrm{CNN\ once} \to \text{crop the map} \to \mathrm{SPP} \to \text{classifier}",
    notes=("000#SPPNet", "001#SPPNet"),
    source="He, Zhang, Ren & Sun 2015, section 4",
    requires=(("len(k) == 1", "regions in one row, (k, 4)"),),
    axes={"classes": "config.classes"},
    differentiable=("params", "x"),
)
def sppnet(
    config: SPPNet, params: Parameters, x: Float[Array, "n 3 h w"], boxes: Annotated[Float[Array, "*k 4"], NUMBERS],
    images: Annotated[Int[Array, "*k"], Labels("n")], /,
) -> Float[Array, "*k classes"]:  # fmt: skip
    """Run the convolutions once, pool the part of the map under each region by a pyramid, classify it.

    Shapes
    ------
    params : dict of the names and shapes that `config.parameters()` says
    x : (n, 3, h, w), the images
    boxes : (k, 4), corners in pixels of the images; finite
    images : (k,), which of the n images
    returns : (k, classes), logits

    Raises
    ------
    ShapeError
        If parameters are missing, unknown or of another shape: all of them named.

    Source
    ------
    He, Zhang, Ren & Sun 2015, "Spatial pyramid pooling in deep convolutional networks for visual recognition",
    section 4.

    Examples
    --------
    >>> from gongsik.spec.detectors import SPPNet
    >>> SPPNet().parameters()["head.1.weight"]  # 512 channels in 1 + 4 + 9 + 36 cells
    (4096, 25600)
    """
    ...


POOLED = {"ph": "output_size[0]", "pw": "output_size[1]"}
Regions: TypeAlias = Annotated[Float[Array, "*k 4"], NUMBERS]


@formula(
    ko="RoI 풀링",
    en="RoI max pooling",
    tex=r"y_{c,i,j} = \max_{(u, v) \in \mathrm{bin}_{ij}(R)} x_{c,u,v}",
    notes=("000#Fast R-CNN", "001#Fast R-CNN"),
    source="Girshick 2015, section 2.1",
    requires=(("len(k) == 1", "regions in one row, (k, 4)"),),
    axes=POOLED,
    differentiable=("x",),
)
def roi_pool(
    x: Images, boxes: Regions, images: Annotated[Int[Array, "*k"], Labels("n")], /, *,
    output_size: Annotated[Pair, Ge(1)], spatial_scale: Positive[float] = 1.0,
) -> Float[Array, "*k c ph pw"]:  # fmt: skip
    """Divide each region of a map into a grid and take the largest value of every cell.

    The corners times the scale are rounded to pixels (halves upwards), and the pixels of both corners belong to the
    region; so it has at least one. Cells overlap where the size does not divide; one outside the map gives 0. Among
    equals the first, row by row, gets the gradient.

    Shapes
    ------
    x : (n, c, h, w)
    boxes : (k, 4), corners in the image; finite
    images : (k,), which of the n maps
    returns : (k, c, ph, pw)

    Options
    -------
    output_size : at least 1, rows and columns of the grid
    spatial_scale : above 0, pixels of the map per pixel of the image

    Source
    ------
    Girshick 2015, "Fast R-CNN", section 2.1.

    Examples
    --------
    >>> x, zero = gs.asarray([[[[1.0, 2.0, 3.0], [4.0, 5.0, 6.0], [7.0, 8.0, 9.0]]]]), gs.asarray([0])
    >>> gs.to_numpy(gs.roi_pool(x, gs.asarray([[0.0, 0.0, 1.0, 2.0]]), zero, output_size=(1, 2)))
    array([[[[7., 8.]]]])
    """
    ...


@formula(
    ko="RoI 정렬",
    en="RoI align",
    tex=r"y_{c,i,j} = \frac{1}{s^2} \sum_{a, b} x_c\bigl(u_{ia}, v_{jb}\bigr), \qquad "
    r"u_{ia} = y_1 + \Bigl(i + \frac{a + 1/2}{s}\Bigr) \frac{y_2 - y_1}{H} - \delta",
    source="He, Gkioxari, Dollár & Girshick 2017, section 3",
    requires=(("len(k) == 1", "regions in one row, (k, 4)"),),
    axes=POOLED,
    differentiable=("x",),
)
def roi_align(
    x: Annotated[Images, NUMBERS], boxes: Regions, images: Annotated[Int[Array, "*k"], Labels("n")], /, *,
    output_size: Annotated[Pair, Ge(1)], spatial_scale: Positive[float] = 1.0, sampling_ratio: Positive[int] = 2,
    aligned: bool = True,
) -> Float[Array, "*k c ph pw"]:  # fmt: skip
    """Divide each region into a grid without rounding, and average a map at points that are spread over every cell.

    Between the pixels the map is interpolated bilinearly; up to one pixel outside of it it goes on as at the edge,
    further out it is 0.

    Shapes
    ------
    x : (n, c, h, w)
    boxes : (k, 4), corners in the image; finite
    images : (k,), which of the n maps
    returns : (k, c, ph, pw)

    Options
    -------
    output_size : at least 1, rows and columns of the grid
    spatial_scale : above 0, pixels of the map per pixel of the image
    sampling_ratio : at least 1, points along each axis of a cell
    aligned : whether a pixel's value stands at its centre; if not, at its corner, and a region has at least one pixel

    Source
    ------
    He, Gkioxari, Dollár & Girshick 2017, "Mask R-CNN", section 3.

    Examples
    --------
    >>> x, zero = gs.asarray([[[[1.0, 2.0, 3.0], [4.0, 5.0, 6.0], [7.0, 8.0, 9.0]]]]), gs.asarray([0])
    >>> gs.to_numpy(gs.roi_align(x, gs.asarray([[0.0, 0.0, 2.0, 2.0]]), zero, output_size=1))
    array([[[[3.]]]])
    """
    ...


@formula(
    ko="Smooth L1 손실",
    en="Smooth L1 loss",
    tex=r"\ell(d) = \begin{cases} 0.5 d^2 / \beta & |d| < \beta \\ |d| - 0.5 \beta & \text{else} \end{cases}",
    notes=("000#Fast R-CNN (bounding-box regressor)", "001#Fast R-CNN"),
    source="Girshick 2015, eq. 3",
    differentiable=True,
    nonempty=True,
)
def smooth_l1(
    pred: Float[Array, "*shape"], target: Float[Array, "*shape"], /, *, beta: Positive[float] = 1.0,
    reduction: Literal["mean", "sum"] = "mean",
) -> Float[Array, ""]:  # fmt: skip
    """Square small differences, and take large ones as they are: the gradient is never above 1.

    Shapes
    ------
    pred, target : (*shape)
    returns : ()

    Options
    -------
    beta : above 0, where the parabola becomes a line
    reduction : "mean" over all elements or "sum"

    Source
    ------
    Girshick 2015, "Fast R-CNN", eq. 3.

    Examples
    --------
    >>> pred = gs.asarray([0.5, 3.0])
    >>> float(gs.smooth_l1(pred, 0 * pred, reduction="sum"))
    2.625
    """
    ...


@formula(
    ko="Fast R-CNN의 다중 작업 손실",
    en="Multi-task loss of Fast R-CNN",
    tex=r"L = \frac{1}{K} \sum_k \bigl(-\ln p_{u_k}\bigr) + \frac{\lambda}{K} \sum_k [u_k \ge 1] \sum_{i \in "
    r"\{x, y, w, h\}} \ell\bigl(t_{k,i}^{u_k} - v_{k,i}\bigr)",
    notes=("000#Fast R-CNN", "001#Fast R-CNN"),
    source="Girshick 2015, eq. 1-3",
    differentiable=("logits", "deltas"),
)
def fast_rcnn_loss(
    logits: Float[Array, "k c"], deltas: Float[Array, "k c 4"], labels: Annotated[Int[Array, "k"], Labels("c")],
    targets: Float[Array, "k 4"], /, *, balance: NonNegative[float] = 1.0,
) -> Float[Array, ""]:  # fmt: skip
    """Add the cross entropy of the classes and, for what is no background, the loss of the true class's box.

    Shapes
    ------
    logits : (k, c), one row per region; class 0 is the background
    deltas : (k, c, 4), one box per class
    labels : (k,), in [0, c)
    targets : (k, 4), `box_regression` of the truth; for the background of no account
    returns : ()

    Options
    -------
    balance : at least 0, weight of the boxes

    Source
    ------
    Girshick 2015, "Fast R-CNN", eq. 1-3.

    Examples
    --------
    >>> logits, label = gs.asarray([[0.0, 0.0]]), gs.asarray([0])
    >>> deltas = gs.asarray([[[9.0, 9.0, 9.0, 9.0], [9.0, 9.0, 9.0, 9.0]]])
    >>> round(float(gs.fast_rcnn_loss(logits, deltas, label, deltas[:, 0])), 4)
    0.6931
    """
    ...


class RegionOutput(NamedTuple):
    """What Fast R-CNN says about regions: logits of the classes, and a refinement of the box for each class."""

    logits: Float[Array, "k c"]
    deltas: Float[Array, "k c 4"]


@formula(
    kind="model",
    deep=True,
    ko="Fast R-CNN",
    en="Fast R-CNN",
    tex=r"\mathrm{CNN} \to \mathrm{RoIPool} \to \mathrm{FC} \to (\mathrm{softmax}_{K+1},\ \mathrm{bbox}_{4(K+1)})",
    notes=("000#Fast R-CNN", "001#Fast R-CNN"),
    source="Girshick 2015, section 2",
    requires=(("len(k) == 1", "regions in one row, (k, 4)"), CHANNELS),
    differentiable=("params", "x"),
)
def fast_rcnn(
    config: FastRCNN, params: Parameters, x: Annotated[Images, NUMBERS],
    boxes: Annotated[Float[Array, "*k 4"], NUMBERS], images: Annotated[Int[Array, "*k"], Labels("n")], /,
) -> RegionOutput:  # fmt: skip
    """Run the convolutions once, pool each region to one size, say its class and where its box should be.

    Shapes
    ------
    params : dict of the names and shapes that `config.parameters()` says
    x : (n, c, h, w), the images
    boxes : (k, 4), corners in pixels of the images; finite
    images : (k,), which of the n images
    returns : logits (k, classes), deltas (k, classes, 4) for `decode_boxes`; class 0 is the background

    Raises
    ------
    ShapeError
        If parameters are missing, unknown or of another shape: all of them named.

    Source
    ------
    Girshick 2015, "Fast R-CNN", section 2.

    Examples
    --------
    >>> from gongsik.spec.detectors import FastRCNN
    >>> FastRCNN().parameters()["bbox_pred.weight"]
    (84, 4096)
    """
    ...


# Faster R-CNN: the proposals come from the network, too


def are_positive(sizes: Any) -> bool:
    return isinstance(sizes, tuple) and len(sizes) > 0 and all(isinstance(x, float | int) and x > 0 for x in sizes)


@formula(
    ko="앵커 박스",
    en="Anchor boxes",
    tex=r"w = s \sqrt{1/r},\quad h = s \sqrt{r}, \qquad s \in \{128, 256, 512\},\ r \in \{\tfrac12, 1, 2\}",
    notes=("000#Faster R-CNN",),
    source="Ren, He, Girshick & Sun 2015, section 3.1.1",
    errata=(
        Erratum(
            key="anchor_is_not_kernel",
            place="000#Faster R-CNN",
            stated="앵커 박스는 미리 정한 물체 크기의 커널이다.",
            right="앵커는 가중치가 없는 기준 사각형이다. 커널은 모든 자리가 함께 쓰는 3x3과 1x1 합성곱이다.",
        ),
    ),
    requires=(
        ("are_positive(sizes)", "sizes as a tuple of numbers > 0"),
        ("are_positive(ratios)", "ratios as a tuple of numbers > 0"),
    ),
    axes={"a": "h * w * len(sizes) * len(ratios)"},
)
def anchor_boxes(
    x: Float[Array, "*batch h w"], /, *, stride: Annotated[Pair, Ge(1)] = 16,
    sizes: tuple[float, ...] = (128.0, 256.0, 512.0), ratios: tuple[float, ...] = (0.5, 1.0, 2.0),
) -> Float[Array, "a 4"]:  # fmt: skip
    """Put rectangles of a few sizes and shapes around the centre of every cell of a feature map.

    Shapes
    ------
    x : (*batch, h, w), the map; only its size, its dtype and its device count
    returns : (h * w * k, 4), corners in the image: row by row, cell by cell, ratio by ratio, size by size

    Options
    -------
    stride : at least 1, pixels of the image per cell of the map
    sizes : a tuple of numbers above 0, roots of the areas
    ratios : a tuple of numbers above 0, heights by widths

    Source
    ------
    Ren, He, Girshick & Sun 2015, "Faster R-CNN: towards real-time object detection with region proposal networks",
    section 3.1.1.

    Examples
    --------
    >>> gs.to_numpy(gs.anchor_boxes(gs.asarray([[0.0]]), sizes=(32.0,), ratios=(1.0, 4.0))).tolist()
    [[-8.0, -8.0, 24.0, 24.0], [0.0, -24.0, 16.0, 40.0]]
    """
    ...


class Matched(NamedTuple):
    """What an anchor is trained for: an object, the background, or nothing if it is neither."""

    positive: Bool[Array, "*n"]
    negative: Bool[Array, "*n"]
    truth: Int[Array, "*n"]


@formula(
    kind="algorithm",
    ko="앵커와 정답의 짝짓기",
    en="Matching anchors with the truth",
    tex=r"+ : \mathrm{IoU} \ge 0.7\ \text{or the best of a truth}, \qquad - : \mathrm{IoU} < 0.3\ \text{for all}",
    notes=("000#Faster R-CNN",),
    source="Ren, He, Girshick & Sun 2015, section 3.1.2",
    requires=(
        ROW, TRUTHS,
        ("negative <= positive", "a lower bound that is no higher than the upper one"),
    ),
)  # fmt: skip
def match_anchors(
    anchors: Boxes, truths: Annotated[Float[Array, "*m 4"], Corners()], /, *,
    positive: Annotated[float, Probability] = 0.7, negative: Annotated[float, Probability] = 0.3,
) -> Matched:  # fmt: skip
    """Say which anchors stand for an object, which for the background, and which truth is each one's best.

    Shapes
    ------
    anchors : (n, 4), corners
    truths : (m, 4), corners; without any all anchors are background
    returns : three arrays (n,): positive and negative (bool), truth (index of the best, 0 where none overlaps)

    Options
    -------
    positive : in [0, 1], from this IoU on an anchor is positive; so is the first best one of every truth that overlaps
    negative : in [0, positive], below this IoU with all truths it is negative, unless it is positive

    Source
    ------
    Ren, He, Girshick & Sun 2015, "Faster R-CNN: towards real-time object detection with region proposal networks",
    section 3.1.2.

    Examples
    --------
    >>> anchors = gs.asarray([[0.0, 0.0, 4.0, 4.0], [2.0, 0.0, 6.0, 4.0], [8.0, 8.0, 9.0, 9.0]])
    >>> found = gs.match_anchors(anchors, gs.asarray([[0.0, 0.0, 4.0, 5.0]]))
    >>> gs.to_numpy(found.positive), gs.to_numpy(found.negative)
    (array([ True, False, False]), array([False,  True,  True]))
    """
    ...


@formula(
    ko="RPN의 손실",
    en="Loss of the region proposal network",
    tex=r"L = \frac{1}{N} \sum_{i: p_i^\star \ne \varnothing} -\ln p_i(p_i^\star) + \frac{\lambda}{N} \sum_i "
    r"[p_i^\star = 1] \sum_{j \in \{x, y, w, h\}} \ell(t_{ij} - t_{ij}^\star)",
    notes=("000#Faster R-CNN", "001#RPN (Region Proposal Network)"),
    source="Ren, He, Girshick & Sun 2015, eq. 1",
    differentiable=("objectness", "deltas"),
)
def rpn_loss(
    objectness: Float[Array, "a 2"], deltas: Float[Array, "a 4"],
    labels: Annotated[Int[Array, "a"], Interval(ge=-1, le=1)],
    targets: Float[Array, "a 4"], /, *, balance: NonNegative[float] = 1.0,
) -> Float[Array, ""]:  # fmt: skip
    """Add the cross entropy of object against background and, for objects, the smooth L1 loss of the box.

    Both are divided by the number N of anchors that count, at least 1; with a balance of 1 that is what the paper's
    weight of 10 comes to.

    Shapes
    ------
    objectness : (a, 2), logits of background and object
    deltas : (a, 4)
    labels : (a,): 1 an object, 0 background, -1 does not count
    targets : (a, 4), `box_regression` of the truth; without an object of no account
    returns : ()

    Options
    -------
    balance : at least 0, weight of the boxes

    Source
    ------
    Ren, He, Girshick & Sun 2015, "Faster R-CNN: towards real-time object detection with region proposal networks",
    eq. 1.

    Examples
    --------
    >>> objectness, deltas = gs.asarray([[0.0, 0.0], [3.0, 3.0]]), gs.asarray([[1.0, 0.0, 0.0, 0.0]] * 2)
    >>> round(float(gs.rpn_loss(objectness, deltas, gs.asarray([1, -1]), 0 * deltas)), 4)
    1.1931
    """
    ...


@formula(
    kind="model",
    deep=True,
    ko="영역 제안 네트워크",
    en="Region proposal network",
    tex=r"C_3 @ 512 \to (1 \times 1 @ 2k,\ 1 \times 1 @ 4k)",
    notes=("000#Faster R-CNN", "001#RPN (Region Proposal Network)"),
    source="Ren, He, Girshick & Sun 2015, section 3.1",
    requires=(CHANNELS,),
    axes={"ko": "2 * config.anchors", "kd": "4 * config.anchors"},
    differentiable=("params", "x"),
)
def rpn(config: RPN, params: Parameters, x: Images, /) -> tuple[Float[Array, "n ko h w"], Float[Array, "n kd h w"]]:
    """Say at every place of a map, for each of k anchors, whether there is an object and where its box should be.

    Shapes
    ------
    params : dict of the names and shapes that `config.parameters()` says
    x : (n, c, h, w), a map of any size
    returns : objectness (n, 2 k, h, w), logits of background and object by turns; deltas (n, 4 k, h, w)

    Raises
    ------
    ShapeError
        If parameters are missing, unknown or of another shape: all of them named.

    Source
    ------
    Ren, He, Girshick & Sun 2015, "Faster R-CNN: towards real-time object detection with region proposal networks",
    section 3.1.

    Examples
    --------
    >>> from gongsik.spec.detectors import RPN
    >>> [RPN().parameters()[f"{name}.bias"][0] for name in ("cls_logits", "bbox_pred")]  # 9 (2 + 4) = 54
    [18, 36]
    """
    ...


LARGEST = 1000 / 16
"""By how much the side of an anchor may grow into a proposal."""


class Proposed(NamedTuple):
    """What Faster R-CNN says about one image: proposals, whether each stands, and the second stage's verdict on it."""

    proposals: Float[Array, "p 4"]
    keep: Bool[Array, "p"]
    logits: Float[Array, "p c"]
    deltas: Float[Array, "p c 4"]


@formula(
    kind="model",
    deep=True,
    ko="Faster R-CNN",
    en="Faster R-CNN",
    tex=r"\text{Fast R-CNN} + \mathrm{RPN}",
    notes=("000#Faster R-CNN", "001#Faster R-CNN"),
    source="Ren, He, Girshick & Sun 2015, section 3",
    requires=(("c == config.detector.channels", "as many channels as config says"),),
)
def faster_rcnn(
    config: FasterRCNN, params: Parameters, image: Annotated[Float[Array, "c h w"], NUMBERS], /
) -> Proposed:
    """Propose regions by the map of an image, keep the best that do not repeat each other, classify them.

    There are as many proposals as `config` says, or as many as anchors; where non-maximum suppression has left fewer,
    the others follow, and `keep` is false for them.

    Shapes
    ------
    params : dict of the names and shapes that `config.parameters()` says
    image : (c, h, w)
    returns : proposals (p, 4), corners, inside the image, by falling objectness; keep (p,) bool; logits (p, classes);
        deltas (p, classes, 4) for `decode_boxes`

    Raises
    ------
    ShapeError
        If parameters are missing, unknown or of another shape: all of them named.

    Source
    ------
    Ren, He, Girshick & Sun 2015, "Faster R-CNN: towards real-time object detection with region proposal networks",
    section 3.

    Examples
    --------
    >>> from gongsik.spec.detectors import FasterRCNN
    >>> FasterRCNN().rpn.anchors
    9
    """
    ...


@count(
    ko="RPN 채널 수",
    en="Channels of the RPN",
    tex=r"k\,(4 + 2)",
    notes=("000#Faster R-CNN", "001#파라미터 개수"),
    source="Ren, He, Girshick & Sun 2015, section 3.1.1",
)
def rpn_channels(sizes: int = 3, ratios: int = 3, /) -> int:
    """Numbers that the proposal network says about one place: four for the box and two for yes or no, per anchor.

    Examples
    --------
    >>> rpn_channels()
    54
    """
    if min(sizes, ratios) < 1:
        raise DomainError(f"rpn_channels: sizes is {sizes}, ratios is {ratios}, expected ints >= 1")
    return sizes * ratios * (4 + 2)


# YOLO: everything at once, on a grid


class Cell(NamedTuple):
    """The cell of a grid in which a point lies, and where in the cell."""

    row: Int[Array, "*n"]
    column: Int[Array, "*n"]
    dx: Float[Array, "*n"]
    dy: Float[Array, "*n"]


@formula(
    ko="YOLO 담당 격자",
    en="Responsible grid cell",
    tex=r"(i, j) = (\lfloor S y \rfloor, \lfloor S x \rfloor), \qquad (\hat x, \hat y) = (S x - j,\ S y - i)",
    notes=("000#YOLO(You only look once)", "003#YOLO"),
    source="Redmon, Divvala, Girshick & Farhadi 2016, section 2",
)
def yolo_cell(boxes: Annotated[Float[Array, "*n 4"], Probability], /, *, s: Positive[int] = 7) -> Cell:
    """Find the cell of an S by S grid that holds the centre of a box: the one that answers for it.

    Shapes
    ------
    boxes : (*n, 4), centre and size, as parts of the image: in [0, 1]
    returns : four arrays (*n): row, column (int), and the centre within the cell, dx and dy, from its corner

    Options
    -------
    s : at least 1, rows and columns of the grid; a centre at 1 belongs to the last one

    Source
    ------
    Redmon, Divvala, Girshick & Farhadi 2016, "You only look once: unified, real-time object detection", section 2.

    Examples
    --------
    >>> cell = gs.yolo_cell(gs.asarray([0.375, 0.75, 0.5, 0.5]), s=2)
    >>> int(cell.row), int(cell.column), float(cell.dx), float(cell.dy)
    (1, 0, 0.75, 0.5)
    """
    ...


@count(
    ko="YOLO 출력 텐서 크기",
    en="YOLO output tensor",
    tex=r"S \times S \times (5B + C)",
    notes=("000#YOLO(You only look once)", "003#YOLO"),
    source="Redmon, Divvala, Girshick & Farhadi 2016, section 2",
    errata=(
        Erratum(
            key="yolo_b_is_boxes",
            place="000#YOLO(You only look once)",
            stated="상자 하나의 정보 5개를 $B$라 한다.",
            right="$B$는 칸마다 있는 상자의 수이고, 5는 상자 하나의 수이다.",
            setup="from gongsik.spec.detection import yolo_output_shape",
            stated_value="yolo_output_shape(7, 5, 20)",
            right_value="yolo_output_shape(7, 2, 20)",
        ),
        Erratum(
            key="yolo_c_twice",
            place="003#YOLO",
            stated="상자의 다섯 수를 $(x, y, w, h, C)$로 쓴다.",
            right="여기에서 $C$는 상자의 신뢰도이다. 출력 크기 $S \\times S \\times (5B + C)$의 $C$는 부류의 수이다. "
            "신뢰도는 conf로 쓰는 편이 낫다.",
        ),
    ),
)
def yolo_output_shape(s: int = 7, b: int = 2, c: int = 20, /) -> tuple[int, int, int]:
    """The shape of what YOLO says about an image: for every cell b boxes of five numbers, and c classes.

    Examples
    --------
    >>> yolo_output_shape()
    (7, 7, 30)
    """
    if min(s, b, c) < 1:
        raise DomainError(f"yolo_output_shape: s is {s}, b is {b}, c is {c}, expected ints >= 1")
    return s, s, 5 * b + c


@formula(
    ko="YOLO 신뢰도",
    en="YOLO confidence",
    tex=r"\mathrm{conf} = \Pr(\mathrm{Obj}) \cdot \mathrm{IoU}^{truth}_{pred}, \qquad "
    r"\Pr(C_k \mid \mathrm{Obj}) \cdot \mathrm{conf} = \Pr(C_k) \cdot \mathrm{IoU}^{truth}_{pred}",
    notes=("003#경계 상자의 신뢰도",),
    source="Redmon, Divvala, Girshick & Farhadi 2016, eq. 1",
    differentiable=True,
)
def yolo_confidence(
    objectness: Annotated[Float[Array, "*n b"], Probability], overlap: Annotated[Float[Array, "*n b"], Probability],
    classes: Annotated[Float[Array, "*n c"], Probability], /,
) -> tuple[Float[Array, "*n b"], Float[Array, "*n b c"]]:  # fmt: skip
    """Multiply whether there is an object by how well the box fits, and share that among the classes.

    Shapes
    ------
    objectness : (*n, b), in [0, 1], per box of a cell
    overlap : (*n, b), in [0, 1], IoU of the box and the truth
    classes : (*n, c), in [0, 1], probabilities of the classes if there is an object
    returns : confidences (*n, b), and scores of the classes (*n, b, c)

    Source
    ------
    Redmon, Divvala, Girshick & Farhadi 2016, "You only look once: unified, real-time object detection", eq. 1.

    Examples
    --------
    >>> conf, scores = gs.yolo_confidence(gs.asarray([1.0]), gs.asarray([0.5]), gs.asarray([0.75, 0.25]))
    >>> gs.to_numpy(conf), gs.to_numpy(scores)
    (array([0.5]), array([[0.375, 0.125]]))
    """
    ...


@formula(
    kind="algorithm",
    ko="YOLO 목표 텐서",
    en="YOLO target tensor",
    tex=r"y_{ij} = (\hat x, \hat y, w, h, 1, e_c)\ \text{in the cell of each centre, } 0 \text{ elsewhere}",
    notes=("000#YOLO(You only look once)", "003#YOLO"),
    source="Redmon, Divvala, Girshick & Farhadi 2016, section 2.2",
    axes={"f": "5 + classes"},
)
def yolo_target(
    boxes: Annotated[Float[Array, "n m 4"], Probability], labels: Annotated[Int[Array, "n m"], Ge(-1)], /, *,
    s: Positive[int] = 7, classes: Positive[int] = 20,
) -> Float[Array, "n s s f"]:  # fmt: skip
    """Write the boxes of every image into the cells that answer for them; the first one has a cell to itself.

    Shapes
    ------
    boxes : (n, m, 4), centre and size as parts of the image, in [0, 1]
    labels : (n, m), the class of each; -1 where there is no box
    returns : (n, s, s, 5 + classes): centre in the cell, size, 1 for an object, one of the classes

    Options
    -------
    s : at least 1, rows and columns of the grid
    classes : at least 1, how many there are

    Raises
    ------
    DomainError
        If a label is not below `classes`.

    Source
    ------
    Redmon, Divvala, Girshick & Farhadi 2016, "You only look once: unified, real-time object detection", section 2.2.

    Examples
    --------
    >>> boxes, labels = gs.asarray([[[0.375, 0.75, 0.5, 0.5]]]), gs.asarray([[1]])
    >>> gs.to_numpy(gs.yolo_target(boxes, labels, s=2, classes=2))[0, 1, 0].tolist()
    [0.75, 0.5, 0.5, 0.5, 1.0, 0.0, 1.0]
    """
    ...


Grid: TypeAlias = Float[Array, "n s s f"]
SLOTS = ("f > 5 * b", "five numbers for each of the b boxes, and at least one class")


@formula(
    kind="algorithm",
    ko="YOLO 디코딩",
    en="YOLO decoding",
    tex=r"x = \frac{j + \hat x}{S},\quad y = \frac{i + \hat y}{S},\quad w = \hat w^2,\quad h = \hat h^2, \qquad "
    r"s_k = \mathrm{conf} \cdot p_k",
    notes=("000#YOLO(You only look once)", "003#YOLO"),
    source="Redmon, Divvala, Girshick & Farhadi 2016, section 2",
    requires=(SLOTS,),
    axes={"boxes": "s * s * b", "c": "f - 5 * b"},
    differentiable=True,
)
def yolo_decode(x: Grid, /, *, b: Positive[int] = 2) -> tuple[Float[Array, "n boxes 4"], Float[Array, "n boxes c"]]:
    """Read all boxes of an image out of the grid, with a score for every class.

    Shapes
    ------
    x : (n, s, s, 5 b + c): b boxes of (centre in the cell, roots of width and height, confidence), then c classes
    returns : boxes (n, s * s * b, 4), corners as parts of the image; scores (n, s * s * b, c)

    Options
    -------
    b : at least 1, boxes per cell

    Source
    ------
    Redmon, Divvala, Girshick & Farhadi 2016, "You only look once: unified, real-time object detection", section 2.

    Examples
    --------
    >>> boxes, scores = gs.yolo_decode(gs.asarray([[[[0.5, 0.5, 0.5, 1.0, 0.5, 0.25, 0.75]]]]), b=1)
    >>> gs.to_numpy(boxes)[0, 0].tolist(), gs.to_numpy(scores)[0, 0].tolist()
    ([0.375, 0.0, 0.625, 1.0], [0.125, 0.375])
    """
    ...


@formula(
    ko="YOLO 손실 함수",
    en="YOLO v1 loss",
    tex=r"\begin{aligned} L ={}& \lambda_{coord} \sum \mathbb 1^{obj}_{ij} \bigl[(x - \hat x)^2 + (y - \hat y)^2 "
    r"+ (\sqrt w - \sqrt{\hat w})^2 + (\sqrt h - \sqrt{\hat h})^2\bigr] \\ & + \sum \mathbb 1^{obj}_{ij} "
    r"(C - \hat C)^2 + \lambda_{noobj} \sum \mathbb 1^{noobj}_{ij} (C - \hat C)^2 + \sum_i \mathbb 1^{obj}_i "
    r"\sum_c (p_i(c) - \hat p_i(c))^2 \end{aligned}",
    notes=("003#손실함수 (img)",),
    source="Redmon, Divvala, Girshick & Farhadi 2016, eq. 3",
    requires=(("f > 5 * b", "five numbers for each of the b boxes, and at least one class"),),
    differentiable=("pred",),
)
def yolo_loss(
    pred: Grid, target: Annotated[Float[Array, "n s s f-5*b+5"], Probability], /, *, b: Positive[int] = 2,
    lambda_coord: NonNegative[float] = 5.0, lambda_noobj: NonNegative[float] = 0.5,
) -> Float[Array, ""]:  # fmt: skip
    """Sum up squared errors: of the box that fits an object best, of all confidences, and of the classes.

    In a cell with an object the box with the largest IoU answers for it, of equals the first; all other boxes shall
    say that there is none. The network says roots of width and height, so that the same error costs more on a small
    box. Summed over cells, averaged over images.

    Shapes
    ------
    pred : (n, s, s, 5 b + c), as in `yolo_decode`
    target : (n, s, s, 5 + c), of `yolo_target`: confidence 1 in a cell with an object, 0 in the others
    returns : ()

    Options
    -------
    b : at least 1, boxes per cell
    lambda_coord : at least 0, weight of the boxes
    lambda_noobj : at least 0, weight of the confidences where there is no object

    Source
    ------
    Redmon, Divvala, Girshick & Farhadi 2016, "You only look once: unified, real-time object detection", eq. 3.

    Examples
    --------
    >>> target = gs.asarray([[[[0.5, 0.5, 0.25, 0.25, 1.0, 1.0, 0.0]]]])
    >>> pred = gs.asarray([[[[0.5, 0.5, 0.5, 0.5, 0.5, 1.0, 0.0]]]])
    >>> float(gs.yolo_loss(pred, target, b=1))
    0.25
    """
    ...


@formula(
    kind="model",
    deep=True,
    ko="YOLO v1",
    en="YOLO v1",
    tex=r"24\,\mathrm{conv} \to F4096 \to F(S \cdot S (5B + C))",
    notes=("000#YOLO(You only look once)", "001#YOLO v1", "003#YOLO"),
    source="Redmon, Divvala, Girshick & Farhadi 2016, section 2.1 and figure 3",
    axes={"s": "config.s", "f": "5 * config.b + config.c"},
    differentiable=("params", "x"),
)
def yolo_v1(config: YOLOv1, params: Parameters, x: Images, /) -> Float[Array, "n s s f"]:
    """Say in one pass what is where: for every cell of a grid some boxes, and which class it would be.

    Shapes
    ------
    params : dict of the names and shapes that `config.parameters()` says
    x : (n, c, h, w), of the size that `config` says
    returns : (n, s, s, 5 b + c), as `yolo_decode` reads it

    Raises
    ------
    ShapeError
        If parameters are missing, unknown or of another shape: all of them named; if the image is of another size.

    Source
    ------
    Redmon, Divvala, Girshick & Farhadi 2016, "You only look once: unified, real-time object detection", section 2.1.

    Examples
    --------
    >>> from gongsik.spec.detectors import YOLOv1
    >>> YOLOv1().output((1, 3, 448, 448)), 7 * 7 * 30
    ((1, 1470), 1470)
    """
    ...


yolo_anchor_priors = named(
    "detection.yolo_anchor_priors",
    ko="사전 정의 상자(YOLO v2)",
    en="Anchor priors of YOLOv2",
    notes=("000#YOLO(You only look once)", "001#YOLO v1"),
    source="Redmon & Farhadi 2017, section 2",
)


def check_regions(labels: Any, regions: int) -> None:
    """That labels are 0, ..., regions - 1 and each occurs.

    Raises
    ------
    DomainError
        If one is too large or missing.
    """
    found = labels.unique() if hasattr(labels, "unique") else sorted(set(labels.reshape(-1).tolist()))
    if len(found) != regions or int(found[-1]) != regions - 1:
        raise DomainError(f"selective_search: labels has {len(found)} regions, expected each from 0 to {regions - 1}")


def check_labels(name: str, adapter: ArrayAdapter, labels: Any, classes: int) -> None:
    """That labels are below the number of classes.

    Raises
    ------
    DomainError
        If one is not.
    """
    if not adapter.inside(labels, -1, classes - 1, False, False):
        raise DomainError(f"{name}: labels has a label that is not below {classes}")
