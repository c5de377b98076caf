"""History: what the lecture notes name on the way, and where in the library it is."""

from gongsik.spec.formula import Chapter, Erratum, named

CHAPTER = Chapter(ko="걸어온 길", en="History")

# What the words mean

ai_ml_dl = named(
    "history.ai_ml_dl",
    ko="인공지능·머신러닝·딥러닝",
    en="AI, machine learning, deep learning",
    notes=("000#소개", "001#01강", "003#DNN", "004#Machine Learning"),
    source="Goodfellow, Bengio & Courville 2016, fig. 1.4",
)
neuron_analogy = named(
    "history.neuron_analogy",
    ko="신경망의 생물학적 비유",
    en="Biological analogy",
    notes=("000#Neural Networks", "001#뉴럴 네트워크 정의", "003#CNN"),
    source="McCulloch & Pitts 1943; Hubel & Wiesel 1962",
)
supervised_unsupervised = named(
    "history.supervised_unsupervised",
    ko="지도 학습과 비지도 학습",
    en="Supervised and unsupervised learning",
    notes=("004#Machine Learning", "002#Auto Encoder"),
    source="Hastie, Tibshirani & Friedman 2009, section 1",
)
reinforcement_learning = named(
    "history.reinforcement_learning",
    ko="강화 학습",
    en="Reinforcement learning",
    notes=("000#딥러닝의 역사",),
    source="Sutton & Barto 2018, section 1.1",
)

# What is asked

mnist = named(
    "history.mnist",
    ko="MNIST",
    en="MNIST digits",
    notes=("001#Data augmentation", "003#LeNet"),
    source="LeCun, Bottou, Bengio & Haffner 1998, section III-A",
)
imagenet_ilsvrc = named(
    "history.imagenet_ilsvrc",
    ko="ImageNet/ILSVRC",
    en="ImageNet challenge",
    notes=("000#Modern CNN", "003#전이 학습"),
    source="Russakovsky et al. 2015, sections 5 and 6.4",
)
cv_tasks = named(
    "history.cv_tasks",
    ko="분류·탐지·위치 추정·분할",
    en="Classification, detection, localisation, segmentation",
    notes=("000#Modern CNN", "001#05강"),
    source="Russakovsky et al. 2015, section 2; Everingham et al. 2010",
)
autonomous_driving = named(
    "history.autonomous_driving",
    ko="자율 주행",
    en="Autonomous driving",
    notes=("000#Semantic Segmentation", "001#Semantic segmentation"),
    source="Cordts et al. 2016",
)
visual_qa = named(
    "history.visual_qa",
    ko="시각 질의응답",
    en="Visual question answering",
    notes=("000#소개",),
    source="Antol et al. 2015",
)
machine_translation = named(
    "history.machine_translation",
    ko="기계 번역",
    en="Machine translation",
    notes=("000#Transformer", "003#서열 데이터란", "004#Machine Translation Problem(seq2seq)"),
    source="Sutskever, Vinyals & Le 2014",
)
sequence_applications = named(
    "history.sequence_applications",
    ko="서열 데이터의 쓰임새",
    en="Applications of sequence models",
    notes=("002#RNN의 쓰임새", "003#서열 데이터란"),
    source="Graves 2012",
)

# What happened when

optimizer_genealogy = named(
    "history.optimizer_genealogy",
    ko="최적화기의 계보",
    en="Genealogy of optimisers",
    notes=("001#산 내려오는 작은 오솔길 잘찾기 (img)",),
    source="Ruder 2016",
)
alexnet_2012 = named(
    "history.alexnet_2012",
    ko="AlexNet(2012)",
    en="AlexNet 2012",
    notes=("000#딥러닝의 역사",),
    source="Krizhevsky, Sutskever & Hinton 2012",
)
gpu_two_paths = named(
    "history.gpu_two_paths",
    ko="두 GPU로 나눈 AlexNet",
    en="Two-GPU split of AlexNet",
    notes=("000#Modern CNN / 1. AlexNet", "001#04강"),
    source="Krizhevsky, Sutskever & Hinton 2012, section 3.2",
)
dqn = named(
    "history.dqn",
    ko="DQN(2013)",
    en="Deep Q-network",
    notes=("000#딥러닝의 역사",),
    source="Mnih et al. 2013; Mnih et al. 2015",
)
encoder_decoder_2014 = named(
    "history.encoder_decoder_2014",
    ko="인코더-디코더(2014)",
    en="Encoder-decoder 2014",
    notes=("000#딥러닝의 역사",),
    source="Cho et al. 2014; Sutskever, Vinyals & Le 2014",
)
adam_2014 = named(
    "history.adam_2014",
    ko="Adam(2014)",
    en="Adam 2014",
    notes=("000#딥러닝의 역사",),
    source="Kingma & Ba 2015",
)
gan_2015 = named(
    "history.gan_2015",
    ko="GAN(2014)",
    en="Generative adversarial network",
    notes=("000#딥러닝의 역사",),
    source="Goodfellow et al. 2014",
    errata=(
        Erratum(
            key="gan_year",
            place="000#딥러닝의 역사",
            stated="GAN은 2015년의 것이다.",
            right="2014년이다. 논문의 arXiv 번호 1406.2661은 2014년 6월에 받은 것이고, 그해 NIPS에 실렸다.",
        ),
    ),
)
resnet_2015 = named(
    "history.resnet_2015",
    ko="ResNet(2015)",
    en="ResNet 2015",
    notes=("000#딥러닝의 역사",),
    source="He, Zhang, Ren & Sun 2016",
)
transformer_2017 = named(
    "history.transformer_2017",
    ko="트랜스포머(2017)",
    en="Transformer 2017",
    notes=("000#딥러닝의 역사",),
    source="Vaswani et al. 2017",
)
bert_2018 = named(
    "history.bert_2018",
    ko="BERT(2018)",
    en="BERT 2018",
    notes=("000#딥러닝의 역사",),
    source="Devlin, Chang, Lee & Toutanova 2019",
)
gpt_x = named(
    "history.gpt_x",
    ko="GPT(2018-2020)",
    en="Big language models",
    notes=("000#딥러닝의 역사",),
    source="Radford et al. 2018; Radford et al. 2019; Brown et al. 2020",
)
simclr = named(
    "history.simclr",
    ko="SimCLR과 자기지도 학습(2020)",
    en="SimCLR, self-supervised learning",
    notes=("000#딥러닝의 역사",),
    source="Chen, Kornblith, Norouzi & Hinton 2020",
    errata=(
        Erratum(
            key="simclr_wording",
            place="000#딥러닝의 역사",
            stated="자기지도 학습은 지도 학습과 비지도 학습을 더한 것이며, SimCLR은 그 줄임말이다.",
            right="자기지도 학습은 사람이 붙인 라벨 없이, 데이터에서 스스로 만든 문제를 정답으로 삼는다. SimCLR은 "
            "그 가운데 한 방법, 같은 사진을 달리 손본 둘을 가깝게 하는 대조 학습(contrastive learning)의 이름이다. "
            "라벨은 하나도 쓰지 않는다.",
        ),
    ),
)
dall_e = named(
    "history.dall_e",
    ko="DALL-E(2021)",
    en="DALL-E",
    notes=("000#Transform 모델의 근황", "000#여러 GAN 모델들 (Text2Image)"),
    source="Ramesh et al. 2021",
)
