using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace TorchZoo.Scripts.Recipes;

/// <summary>ResNet-20 for small photographs with any activation: (n, 3, 32, 32) → (n, 10).</summary>
internal sealed class ActivationResNet : Module<Tensor, Tensor>
{
    private const int BlocksOfStage = 3;

    private static readonly long[] Widths = [16, 32, 64];

    private readonly Sequential layers;

    public ActivationResNet(Func<Module<Tensor, Tensor>> activation) : base(nameof(ActivationResNet))
    {
        var all = new List<Module<Tensor, Tensor>> { Convolution(3, Widths[0], 1), BatchNorm2d(Widths[0]), activation() };
        var channels = Widths[0];
        foreach (var width in Widths)
            for (var i = 0; i < BlocksOfStage; i++)
            {
                all.Add(new Block(channels, width, i == 0 && width != Widths[0] ? 2 : 1, activation));
                channels = width;
            }
        layers = Sequential([.. all, AdaptiveAvgPool2d(1), Flatten(), Linear(channels, 10)]);
        RegisterComponents();
    }

    public override Tensor forward(Tensor x) => layers.call(x);

    private static Conv2d Convolution(long from, long to, long stride, long size = 3) =>
        Conv2d(from, to, size, stride, padding: size / 2, bias: false);

    private sealed class Block : Module<Tensor, Tensor>
    {
        private readonly Sequential path;
        private readonly Sequential? shortcut;
        private readonly Module<Tensor, Tensor> last;

        public Block(long from, long to, long stride, Func<Module<Tensor, Tensor>> activation) : base(nameof(Block))
        {
            path = Sequential(Convolution(from, to, stride), BatchNorm2d(to), activation(), Convolution(to, to, 1), BatchNorm2d(to));
            shortcut = from == to && stride == 1 ? null : Sequential(Convolution(from, to, stride, 1), BatchNorm2d(to));
            last = activation();
            RegisterComponents();
        }

        public override Tensor forward(Tensor x)
        {
            using var scope = NewDisposeScope();
            return last.call(path.call(x) + (shortcut?.call(x) ?? x)).MoveToOuterDisposeScope();
        }
    }
}
