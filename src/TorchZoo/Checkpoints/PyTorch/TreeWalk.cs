using System.Numerics;
using static TorchSharp.torch;

namespace TorchZoo.Checkpoints.PyTorch;

/// <summary>Walks trees without recursion: their depth is not to be trusted.</summary>
internal static class TreeWalk
{
    /// <summary>
    /// Verifies that a tree is safe to walk, compare, print and save: only known types of value, no cycle, bounded depth, and bounded size
    /// where shared parts count each time that a walk meets them.
    /// </summary>
    /// <returns>Its tensors, each once, in order.</returns>
    /// <exception cref="InvalidDataException">It is not.</exception>
    public static List<Tensor> Check(object? root, PyTorchLoadLimits limits)
    {
        var tensors = new List<Tensor>();
        // What is known of a container (or tensor): its height and how many values a walk through it meets. Null: it is being walked.
        var known = new Dictionary<object, (int Height, long Visits)?>(ReferenceEqualityComparer.Instance);
        var frames = new Stack<Frame>();
        var height = 0;
        var visits = 1L;
        if (Enter(root, out var first)) frames.Push(first);
        while (frames.TryPeek(out var frame))
        {
            if (frame.Children.MoveNext())
            {
                if (Enter(frame.Children.Current, out var child))
                {
                    frames.Push(child);
                    if (frames.Count > limits.MaxDepth)
                        throw new InvalidDataException($"it is nested deeper than {limits.MaxDepth} levels");
                }
                else
                {
                    frame.Height = Math.Max(frame.Height, height + 1);
                    frame.Visits += visits;
                }
            }
            else
            {
                frames.Pop();
                known[frame.Node] = (frame.Height, frame.Visits);
                if (frame.Visits > limits.MaxVisits)
                    throw new InvalidDataException($"a walk through it meets more than {limits.MaxVisits} values");
                if (frames.TryPeek(out var parent))
                {
                    parent.Height = Math.Max(parent.Height, frame.Height + 1);
                    parent.Visits += frame.Visits;
                }
            }
        }
        return tensors;

        // True: a container to walk. False: a leaf or a container walked before, whose height and visits are then in the two variables.
        bool Enter(object? node, out Frame entered)
        {
            entered = null!;
            (height, visits) = (0, 1);
            switch (node)
            {
                case null or bool or long or double or string or byte[] or BigInteger or Complex or PyByteArray or ScalarType or Device:
                    return false;
                case Tensor or List<object?> or PyTuple or PyDict or PySet:
                    break;
                default:
                    var what = node is StorageView ? "a storage" : $"the class or function {node}";
                    throw new InvalidDataException($"{what} stands where a value is expected");
            }
            if (known.TryGetValue(node, out var seen))
            {
                if (seen is not { } finished) throw new InvalidDataException($"{PyTree.Describe(node)} contains itself");
                if (frames.Count + finished.Height > limits.MaxDepth)
                    throw new InvalidDataException($"it is nested deeper than {limits.MaxDepth} levels");
                (height, visits) = finished;
                return false;
            }
            if (node is Tensor tensor)
            {
                tensors.Add(tensor);
                if (!PyTree.HasAttributes(tensor))
                {
                    known.Add(node, (0, 1));
                    return false;
                }
            }
            known.Add(node, null);
            entered = new Frame(node, Children(node));
            return true;
        }
    }

    /// <summary>The tensors of a tree, each once, in order. The tree may be any, also one with cycles.</summary>
    public static List<Tensor> Tensors(object? root)
    {
        var tensors = new List<Tensor>();
        var seen = new HashSet<object>(ReferenceEqualityComparer.Instance);
        var open = new Stack<IEnumerator<object?>>();
        open.Push(new List<object?> { root }.GetEnumerator());
        while (open.TryPeek(out var children))
        {
            if (!children.MoveNext()) open.Pop();
            else if (children.Current is { } node && IsInner(node) && seen.Add(node))
            {
                if (node is Tensor tensor) tensors.Add(tensor);
                open.Push(Children(node));
            }
        }
        return tensors;
    }

    private static bool IsInner(object node) =>
        node is Tensor or List<object?> or PyTuple or PyDict or PySet or IReadOnlyDictionary<string, Tensor>;

    private static IEnumerator<object?> Children(object node) => (node switch
    {
        List<object?> list => list,
        PyTuple tuple => tuple,
        PyDict { HasAttributes: true } dict => dict.Values.Concat(dict.Attributes.Values),
        PyDict dict => dict.Values,
        Tensor tensor when PyTree.HasAttributes(tensor) => PyTree.AttributesOf(tensor).Values,
        IReadOnlyDictionary<string, Tensor> tensors => tensors.Values,
        _ => [], // a set's items are no containers
    }).GetEnumerator();

    private sealed class Frame(object node, IEnumerator<object?> children)
    {
        public object Node { get; } = node;

        public IEnumerator<object?> Children { get; } = children;

        public int Height { get; set; }

        public long Visits { get; set; } = 1;
    }
}
